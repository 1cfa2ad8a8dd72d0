/* SPDX-License-Identifier: Apache-2.0
 * A whole host in C: c-host PLUGIN ADDRESS COUNT. Prints one line a game server. */
#include <agones/processor.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
#define MEMBER(name) proc_##name##_fn* name;
  PROC_EACH_FUNCTION(MEMBER)
} proc;

static int ended, allocated;

static void on_event(void* context, const proc_event* event) {
  (void)context;
  if (event->type == PROC_EVENT_RESULT) {
    ended++;
    if (event->outcome == PROC_OUTCOME_ALLOCATED) {
      allocated++;
      printf("%.*s %.*s:%d\n", (int)event->game_server_name.size, event->game_server_name.data,
             (int)event->address.size, event->address.data, event->port_count ? event->ports[0].port : 0);
    } else {
      fprintf(stderr, "%s: %.*s\n", proc.outcome_string(event->outcome), (int)event->message.size, event->message.data);
    }
  }
}

int main(int argc, char** argv) {
  static const char body[] = "{\"namespace\":\"default\"}";
  char error[256] = "";
  proc_config config;
  proc_client* client;
  void* library = argc == 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library) {
    fprintf(stderr, "usage: c-host PLUGIN ADDRESS COUNT (%s)\n", argc == 4 ? dlerror() : "three arguments");
    return 2;
  }
#define FIND(name) \
  if (!(*(void**)& proc.name = dlsym(library, "proc_" #name))) return fprintf(stderr, "no proc_" #name "\n"), 2;
  PROC_EACH_FUNCTION(FIND)
  if (proc.config_init(PROC_ABI_VERSION, &config, sizeof config) != PROC_OK) return 2;
  config.processor_address.data = argv[2];
  config.processor_address.size = strlen(argv[2]);
  config.transport = PROC_TRANSPORT_PLAINTEXT;
  config.on_event = on_event;
  if (proc.init(&config, &client, error, sizeof error) != PROC_OK) return fprintf(stderr, "%s\n", error), 2;

  const int count = atoi(argv[3]);
  proc_request request = {.struct_size = sizeof request, .format = PROC_FORMAT_JSON, .body = {body, sizeof body - 1}};
  for (int i = 0; i < count; i++)
    if (proc.allocate(client, &request, NULL, error, sizeof error) != PROC_OK) return fprintf(stderr, "%s\n", error), 2;
  while (ended < count) proc.poll(client, 0, 0, 1000, NULL);
  if (proc.shutdown(client, 1000, error, sizeof error) != PROC_OK) return fprintf(stderr, "%s\n", error), 2;
  proc.destroy(client);
  if (proc.get_unload_state(NULL, 0) == PROC_UNLOAD_SAFE) dlclose(library);
  return allocated == count ? 0 : 1;
}
