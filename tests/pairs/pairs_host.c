/* SPDX-License-Identifier: Apache-2.0
 * A host that uses every struct of the header it was built with: pairs-host LIBRARY ADDRESS COUNT [SWAP_TO]. Fails if the
 * library writes beyond one of them, or a result is missing. */
#include <agones/processor_swap.h>
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
#define MEMBER(name) proc_##name##_fn* name;
  PROC_EACH_FUNCTION(MEMBER)
  PROC_EACH_SWAP_FUNCTION(MEMBER)
} proc;

#define CANARY UINT64_C(0x5ca1ab1e5ca1ab1e)
#define GUARDED(type, name) \
  struct {                  \
    type known;             \
    uint64_t canary;        \
  } name;                   \
  memset(&name, 0, sizeof name), name.canary = CANARY
#define INTACT(name) \
  if (name.canary != CANARY) fail("the library wrote beyond " #name)

static char error[512];
static int lines;

static void fail(const char* what) {
  fprintf(stderr, "pairs-host: %s: %s\n", what, error);
  exit(1);
}

static void check(const char* what, proc_status status) {
  if (status != PROC_OK) fail(what);
}

static void on_log(void* context, const proc_log* log) {
  (void)context;
  lines += log->struct_size >= offsetof(proc_log, batch_id) && log->message.size > 0;
}

int main(int argc, char** argv) {
  void* library = argc >= 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library) fail(argc >= 4 ? dlerror() : "usage: pairs-host LIBRARY ADDRESS COUNT [SWAP_TO]");
#define FIND(name) *(void**)&proc.name = dlsym(library, "proc_" #name);
  PROC_EACH_FUNCTION(FIND)
  PROC_EACH_SWAP_FUNCTION(FIND)

  GUARDED(proc_config, config);
  check("config_init", proc.config_init(PROC_ABI_VERSION, &config.known, sizeof config.known, error, sizeof error));
  config.known.processor_address.data = argv[2];
  config.known.processor_address.size = strlen(argv[2]);
  config.known.transport = PROC_TRANSPORT_PLAINTEXT;
  config.known.log_level = PROC_SEVERITY_INFO;
  config.known.on_log = on_log;
  check("config_set", proc.config_set(&config.known, "client_id", "pairs", error, sizeof error));
  INTACT(config);
  proc_client* client;
  check("init", proc.init(&config.known, &client, error, sizeof error));
  proc.config_clear(&config.known);
  INTACT(config);

  static const char body[] = "{\"namespace\":\"default\"}";
  const uint64_t count = strtoull(argv[3], NULL, 10);
  for (uint64_t token = 1; token <= count; token++) {
    GUARDED(proc_request, request);
    request.known.struct_size = sizeof request.known;
    request.known.format = PROC_FORMAT_JSON;
    request.known.body.data = body;
    request.known.body.size = sizeof body - 1;
    request.known.token = token;
    check("allocate_request", proc.allocate_request(client, &request.known, NULL, error, sizeof error));
  }
  if (argc == 5) check("swap", proc.swap(client, argv[4], NULL, error, sizeof error));

  uint64_t ended = 0, tokens = 0;
  int swapping = argc == 5;
  while (ended < count || swapping) {
    enum { CAPACITY = 4 };
    struct {
      proc_event known[CAPACITY];
      uint64_t canary;
    } events = {.canary = CANARY};
    uint32_t filled = 0;
    check("poll_events", proc.poll_events(client, events.known, sizeof *events.known, CAPACITY, 0, 100, &filled, NULL,
                                          error, sizeof error));
    INTACT(events);
    for (uint32_t i = 0; i < filled; i++) {
      const proc_event* event = &events.known[i];
      if (event->struct_size < offsetof(proc_event, channel) + sizeof event->channel) fail("an event is too short");
      if (event->type != PROC_EVENT_RESULT) continue;
      ended++;
      tokens += event->token;
      if (event->outcome == PROC_OUTCOME_ALLOCATED)
        printf("%.*s\n", (int)event->game_server_name.size, event->game_server_name.data);
    }
    if (swapping) {
      GUARDED(proc_swap_report, report);
      report.known.struct_size = sizeof report.known;
      check("get_swap_report", proc.get_swap_report(client, &report.known, error, sizeof error));
      INTACT(report);
      swapping = report.known.state == PROC_SWAP_RUNNING;
      if (report.known.state == PROC_SWAP_FAILED) fail(report.known.error);
    }
  }
  if (tokens != count * (count + 1) / 2) fail("a token is not what was given");

  GUARDED(proc_stats, stats);
  stats.known.struct_size = sizeof stats.known;
  check("get_stats", proc.get_stats(client, &stats.known, error, sizeof error));
  INTACT(stats);
  if (stats.known.accepted != count || stats.known.allocated != count) fail("the counters are wrong");
  if (!lines) fail("there was no log line");
  check("shutdown", proc.shutdown(client, 1000, error, sizeof error));
  check("destroy", proc.destroy(client, error, sizeof error));
  return 0;
}
