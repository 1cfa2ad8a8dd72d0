/* SPDX-License-Identifier: Apache-2.0
 * A whole host in C: c-host LIBRARY ADDRESS COUNT [SWAP_TO]. LIBRARY is the plugin or the host library; with the latter,
 * SWAP_TO is a plugin to swap to while the requests are under way. Prints one line a game server. */
#include <agones/processor_swap.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
#define MEMBER(name) proc_##name##_fn* name;
  PROC_EACH_FUNCTION(MEMBER)
  PROC_EACH_SWAP_FUNCTION(MEMBER)
} proc;

static char error[512];
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

static void check(proc_status status) {
  if (status != PROC_OK) {
    fprintf(stderr, "%s: %s\n", proc.status_string(status), error);
    exit(2);
  }
}

/* Until it is done; the polls carry it on. */
static void swap(proc_client* client, const char* plugin) {
  proc_swap_report report = {.struct_size = sizeof report};
  check(proc.swap(client, plugin, NULL, error, sizeof error));
  do {
    check(proc.poll(client, 0, 0, 100, NULL, NULL, error, sizeof error));
    check(proc.get_swap_report(client, &report, error, sizeof error));
  } while (report.state == PROC_SWAP_RUNNING);
  fprintf(stderr, "%s -> %s: %s\n", report.from_version, report.to_version,
          report.state == PROC_SWAP_DONE ? "done" : report.error);
}

int main(int argc, char** argv) {
  static const char body[] = "{\"namespace\":\"default\"}";
  void* library = argc == 4 || argc == 5 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library) {
    fprintf(stderr, "usage: c-host LIBRARY ADDRESS COUNT [SWAP_TO] (%s)\n",
            argc >= 4 ? dlerror() : "too few arguments");
    return 2;
  }
#define FIND(name) *(void**)&proc.name = dlsym(library, "proc_" #name);
#define NEED(name) \
  if (!proc.name) return fprintf(stderr, "no proc_" #name "\n"), 2;
  PROC_EACH_FUNCTION(FIND)
  PROC_EACH_FUNCTION(NEED)
  PROC_EACH_SWAP_FUNCTION(FIND)
  if (argc == 5 && !proc.swap) return fprintf(stderr, "a plugin can't swap; load the host library\n"), 2;

  proc_config config;
  check(proc.config_init(PROC_ABI_VERSION, &config, sizeof config, error, sizeof error));
  check(proc.config_set(&config, "processor_address", argv[2], error, sizeof error));
  check(proc.config_set(&config, "transport", "plaintext", error, sizeof error));
  config.on_event = on_event;
  proc_client* client;
  check(proc.init(&config, &client, error, sizeof error));
  proc.config_clear(&config);

  const int count = atoi(argv[3]);
  for (int i = 0; i < count; i++)
    check(proc.allocate(client, PROC_FORMAT_JSON, body, strlen(body), 0, 0, NULL, error, sizeof error));
  if (argc == 5) swap(client, argv[4]);
  while (ended < count) check(proc.poll(client, 0, 0, 1000, NULL, NULL, error, sizeof error));

  check(proc.shutdown(client, 1000, error, sizeof error));
  check(proc.destroy(client, error, sizeof error));
  if (proc.get_unload_state(error, sizeof error) == PROC_UNLOAD_SAFE) dlclose(library);
  return allocated == count ? 0 : 1;
}
