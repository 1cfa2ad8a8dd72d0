/* SPDX-License-Identifier: Apache-2.0
 * A host that leaves by exit() with requests under way: exit-host PLUGIN ADDRESS */
#include <agones/processor.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static struct {
#define MEMBER(name) proc_##name##_fn* name;
  PROC_EACH_FUNCTION(MEMBER)
} proc;

static int events;

static void on_event(void* context, const proc_event* event) {
  (void)context, (void)event;
  events++;
}

int main(int argc, char** argv) {
  static const char body[] = "{\"namespace\":\"default\"}";
  void* library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (!library) return 2;
#define FIND(name) \
  if (!(*(void**)& proc.name = dlsym(library, "proc_" #name))) return 2;
  PROC_EACH_FUNCTION(FIND)
  proc_config config;
  proc_client* client;
  if (proc.config_init(PROC_ABI_VERSION, &config, sizeof config, NULL, 0) != PROC_OK) return 2;
  config.processor_address.data = argv[2];
  config.processor_address.size = strlen(argv[2]);
  config.transport = PROC_TRANSPORT_PLAINTEXT;
  config.on_event = on_event;
  if (proc.init(&config, &client, NULL, 0) != PROC_OK) return 2;
  proc_request request = {.struct_size = sizeof request, .format = PROC_FORMAT_JSON, .body = {body, sizeof body - 1}};
  for (int i = 0; i < 50; i++)
    if (proc.allocate_request(client, &request, NULL, NULL, 0) != PROC_OK) return 2;
  while (!events) proc.poll(client, 0, 0, 20, NULL, NULL, NULL, 0);
  exit(0);
}
