/* SPDX-License-Identifier: Apache-2.0
 * The scenarios of scenarios.json in C alone, with the header and dlopen: SCENARIO LIBRARY ADDRESS NEXT_PLUGIN */
#define _POSIX_C_SOURCE 200809L
#include <agones/processor_swap.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct {
#define MEMBER(name) proc_##name##_fn* name;
  PROC_EACH_FUNCTION(MEMBER)
  PROC_EACH_SWAP_FUNCTION(MEMBER)
} proc;

enum { TEXT = 256, MOST = 1000 };
static const char any[] = "{\"namespace\":\"default\"}";
static const char* scenario;
static char error[512];
static proc_client* client;

/* What the events said. */
static char names[MOST][64];
static int named, asked, wanted, ended, logged;
static char outcome[TEXT], delivery[TEXT], message[TEXT], orphan[TEXT], told[TEXT], address[TEXT], node[TEXT],
    source[TEXT], response[4096];
static int code, same_request, port;

static void check(proc_status status) {
  if (status != PROC_OK) {
    fprintf(stderr, "%s: %s: %s\n", scenario, proc.status_string(status), error);
    exit(2);
  }
}

static void keep(char* into, proc_text text) {
  snprintf(into, TEXT, "%.*s", (int)text.size, text.data);
}

static proc_status submit(const char* body, uint32_t timeout_ms, uint64_t* id) {
  return proc.allocate(client, PROC_FORMAT_JSON, body, strlen(body), timeout_ms, 0, id, error, sizeof error);
}

static void one_more(void) {
  if (asked < wanted) {
    asked++;
    check(submit(any, 0, NULL));
  }
}

static int is(const char* name) {
  return !strcmp(scenario, name);
}

static void on_event(void* context, const proc_event* event) {
  static const char* const deliveries[] = {"", "NOT_SENT", "UNKNOWN", "DONE"};
  static const char* const states[] = {"", "CONNECTING", "STANDBY", "SERVING", "BACKING_OFF", "CLOSED"};
  (void)context;
  if (event->type == PROC_EVENT_ORPHAN) keep(orphan, event->game_server_name);
  if (event->type == PROC_EVENT_CONNECTION) strcpy(told, states[event->connection]);
  if (event->type == PROC_EVENT_LOG)
    logged |=
        event->kind.size == strlen("stream_opened") && !memcmp(event->kind.data, "stream_opened", event->kind.size);
  if (event->type != PROC_EVENT_RESULT) return;
  ended++;
  if (is("bench")) return;
  strcpy(outcome, proc.outcome_string(event->outcome));
  strcpy(delivery, deliveries[event->delivery]);
  code = event->code;
  keep(message, event->message);
  same_request = event->request.size == 9 && !memcmp(event->request.data, "\n\7default", 9);
  if (event->outcome == PROC_OUTCOME_ALLOCATED && named < MOST) {
    keep(address, event->address);
    keep(node, event->node_name);
    keep(source, event->source);
    port = event->ports[0].port;
    proc.response_to_json(event->response.data, event->response.size, response, sizeof response, NULL, NULL, 0);
    snprintf(names[named++], sizeof names[0], "%.*s", (int)event->game_server_name.size, event->game_server_name.data);
  }
  one_more();
}

static void poll(void) {
  check(proc.poll(client, 0, 0, 10, NULL, NULL, error, sizeof error));
}

static proc_stats stats(void) {
  proc_stats stats = {.struct_size = sizeof stats};
  check(proc.get_stats(client, &stats, error, sizeof error));
  return stats;
}

static void await(const char* body, uint32_t timeout_ms) {
  const int before = ended;
  check(submit(body, timeout_ms, NULL));
  while (ended == before) poll();
}

static void print_result(const char* more) {
  printf("{\"outcome\":\"%s\",\"delivery\":\"%s\",\"code\":%d,\"message\":\"%s\",\"request\":%s%s}\n", outcome,
         delivery, code, message, same_request ? "true" : "false", more);
}

static void print_names(const char* more) {
  printf("{\"names\":[");
  for (int i = 0; i < named; i++) printf("%s\"%s\"", i ? "," : "", names[i]);
  printf("]%s}\n", more);
}

static proc_swap_report swap(const char* plugin, int finish) {
  proc_swap_report report = {.struct_size = sizeof report};
  check(proc.swap(client, plugin, NULL, error, sizeof error));
  do {
    poll();
    check(proc.get_swap_report(client, &report, error, sizeof error));
  } while (report.state == PROC_SWAP_RUNNING || named < finish);
  return report;
}

static proc_status make(const char* library_address, const char* name, const char* value) {
  proc_config config;
  check(proc.config_init(PROC_ABI_VERSION, &config, sizeof config, error, sizeof error));
  check(proc.config_set(&config, "processor_address", library_address, error, sizeof error));
  check(proc.config_set(&config, "transport", "plaintext", error, sizeof error));
  proc_status status = name ? proc.config_set(&config, name, value, error, sizeof error) : PROC_OK;
  config.on_event = on_event;
  if (status == PROC_OK) status = proc.init(&config, &client, error, sizeof error);
  proc.config_clear(&config);
  return status;
}

static void collect(int under_way, int count) {
  wanted = count;
  for (int i = 0; i < under_way; i++) one_more();
}

static void close_client(void) {
  check(proc.shutdown(client, 5000, error, sizeof error));
  check(proc.destroy(client, error, sizeof error));
}

/* "afterwards": a client that drains or was shut down takes no more. */
static const char* refused_afterwards(void) {
  static char text[TEXT];
  snprintf(text, sizeof text, ",\"afterwards\":\"%s\"", proc.status_string(submit(any, 0, NULL)));
  return text;
}

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void* a, const void* b) {
  return *(const double*)a < *(const double*)b ? -1 : 1;
}

/* Nanoseconds to submit, and to deliver what waits; microseconds of CPU, all threads, for each of 10,000 under way. */
static void bench(void) {
  enum { ROUNDS = 6, UNDER_WAY = 10000 };
  double taken[3][ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    const double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    double before = now(CLOCK_MONOTONIC);
    ended = 0;
    for (int i = 0; i < UNDER_WAY; i++) check(submit(any, 0, NULL));
    taken[0][round] = now(CLOCK_MONOTONIC) - before;
    while (stats().allocated < (uint64_t)(round + 1) * UNDER_WAY)
      nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    before = now(CLOCK_MONOTONIC);
    while (ended < UNDER_WAY) poll();
    taken[1][round] = now(CLOCK_MONOTONIC) - before;
    taken[2][round] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  }
  for (int i = 0; i < 3; i++) qsort(&taken[i][ROUNDS - 3], 3, sizeof(double), compare);
  printf("{\"allocateNs\":%.0f,\"eventNs\":%.0f,\"cpuUs\":%.3f}\n", taken[0][ROUNDS - 2] / UNDER_WAY,
         taken[1][ROUNDS - 2] / UNDER_WAY, taken[2][ROUNDS - 2] / UNDER_WAY / 1000);
}

int main(int argc, char** argv) {
  void* library = argc == 5 ? dlopen(argv[2], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library)
    return fprintf(stderr, "usage: SCENARIO LIBRARY ADDRESS NEXT_PLUGIN (%s)\n", argc == 5 ? dlerror() : ""), 2;
  scenario = argv[1];
#define FIND(name) *(void**)&proc.name = dlsym(library, "proc_" #name);
  PROC_EACH_FUNCTION(FIND)
  PROC_EACH_SWAP_FUNCTION(FIND)
  char more[1024] = "";
  uint64_t id;

  int setting_named = 0;
  proc_status setting = PROC_OK;
  if (is("malformed")) {
    setting = make(argv[3], "max_batch", "1");
    setting_named = strstr(error, "max_batch") != NULL;
  }
  check(is("disconnected")     ? make(argv[3], "fail_fast", "1")
        : is("queue_full")     ? make(argv[3], "max_pending_requests", "1")
        : is("logs")           ? make(argv[3], "log_level", "info")
        : is("unknown_fields") ? make(argv[3], "unknown_fields", "ignore")
                               : make(argv[3], NULL, NULL));
  if (is("thousand") || is("tasks")) {
    collect(is("thousand") ? 1000 : 100, is("thousand") ? 1000 : 500);
    while (named < wanted) poll();
    print_names("");
  } else if (is("server")) {
    await("{\"namespace\":\"default\",\"metadata\":{\"labels\":{\"mode\":\"arena\"}}}", 0);
    printf("{\"name\":\"%s\",\"address\":\"%s\",\"node\":\"%s\",\"source\":\"%s\",\"port\":%d,\"label\":\"%s\"}\n",
           names[0], address, node, source, port, strstr(response, "\"mode\":\"arena\"") ? "arena" : "none");
  } else if (is("protobuf")) {
    check(proc.allocate(client, PROC_FORMAT_PROTOBUF, "\n\7default", 9, 0, 0, NULL, error, sizeof error));
    while (!named) poll();
    printf("{\"name\":\"%s\"}\n", names[0]);
  } else if (is("manifest")) {
    const char* manifest =
        "{\"kind\":\"GameServerAllocation\",\"spec\":{\"selectors\":[{\"matchLabels\":{\"agones.dev/"
        "fleet\":\"local\"},\"gameServerState\":\"Ready\"}]}}";
    const int refused = proc.allocate(client, PROC_FORMAT_JSON, manifest, strlen(manifest), 0, 0, NULL, error,
                                      sizeof error) == PROC_ERR_INVALID_ARGUMENT &&
                        strstr(error, "MANIFEST") != NULL;
    check(proc.allocate(client, PROC_FORMAT_MANIFEST, manifest, strlen(manifest), 0, 0, NULL, error, sizeof error));
    while (!named) poll();
    printf("{\"named\":%s,\"name\":\"%s\"}\n", refused ? "true" : "false", names[0]);
  } else if (is("unknown_fields")) {
    await(
        "{\"namespace\":\"default\",\"metadata\":null,\"gameServerSelectors\":[{\"matchLabels\":null,\"players\":{"
        "\"minAvailable\":1}}]}",
        0);
    printf("{\"name\":\"%s\"}\n", names[0]);
  } else if (is("rejected")) {
    await("{\"namespace\":\"nowhere\"}", 0);
    print_result("");
  } else if (is("timeout_not_sent") || is("disconnected")) {
    await(any, is("disconnected") ? 0 : 50);
    print_result("");
  } else if (is("orphan")) {
    await(any, 2000);
    while (!*orphan) poll();
    snprintf(more, sizeof more, ",\"orphan\":\"%s\"", orphan);
    print_result(more);
  } else if (is("cancelled") || is("cancelled_sent")) {
    check(submit(any, 0, &id));
    while (is("cancelled_sent") && stats().in_flight != 1) poll();
    check(proc.cancel(client, id, error, sizeof error));
    while (!ended || (is("cancelled_sent") && !*orphan)) poll();
    printf("{\"gaveUp\":%s,\"cancelled\":%d,\"orphan\":\"%s\"}\n", strcmp(outcome, "CANCELLED") ? "false" : "true",
           (int)stats().cancelled, orphan);
  } else if (is("shutdown")) {
    check(submit(any, 0, NULL));
    check(proc.shutdown(client, 5000, error, sizeof error));
    print_result(refused_afterwards());
  } else if (is("queue_full")) {
    check(submit(any, 0, NULL));
    printf("{\"status\":\"%s\"}\n", proc.status_string(submit(any, 0, NULL)));
  } else if (is("malformed")) {
    const char* status = proc.status_string(submit("{\"nmespace\":\"default\"}", 0, NULL));
    const int is_named = strstr(error, "nmespace") != NULL;
    await(any, 0);
    printf("{\"status\":\"%s\",\"named\":%s,\"setting\":\"%s\",\"settingNamed\":%s,\"name\":\"%s\"}\n", status,
           is_named ? "true" : "false", proc.status_string(setting), setting_named ? "true" : "false", names[0]);
  } else if (is("drain")) {
    check(submit(any, 0, NULL));
    check(proc.drain(client, PROC_DRAIN_RETURN_UNSENT, error, sizeof error));
    while (!ended) poll();
    print_result(refused_afterwards());
  } else if (is("connection")) {
    while (strcmp(told, "SERVING")) poll();
    proc_connection_state state;
    check(proc.get_connection(client, &state, NULL, 0, error, sizeof error));
    printf("{\"told\":\"%s\",\"state\":\"%s\",\"streams\":%d}\n", told,
           state == PROC_CONNECTION_SERVING ? "SERVING" : "?", (int)stats().streams);
  } else if (is("logs")) {
    while (!logged) poll();
    printf("{\"logged\":true}\n");
  } else if (is("swap")) {
    collect(100, 1000);
    while (named < 200) poll();
    const proc_swap_report report = swap(argv[4], 1000);
    char version[32];
    check(proc.get_plugin_version(client, version, sizeof version, error, sizeof error));
    snprintf(more, sizeof more, ",\"from\":\"%s\",\"to\":\"%s\",\"version\":\"%s\"", report.from_version,
             report.to_version, version);
    print_names(more);
  } else if (is("swap_refused")) {
    const int failed = swap("/nowhere.so", 0).state == PROC_SWAP_FAILED;
    await(any, 0);
    printf("{\"refused\":%s,\"name\":\"%s\"}\n", failed ? "true" : "false", names[0]);
  } else if (is("exit")) {
    for (int i = 0; i < 100; i++) check(submit(any, 0, NULL));
    while (!stats().in_flight) poll();
    printf("{\"underWay\":%d}\n", (int)stats().pending);
    return 0;
  } else if (is("bench")) {
    bench();
  } else if (is("unload")) {
    close_client();
    const int safe = proc.get_unload_state(error, sizeof error) == PROC_UNLOAD_SAFE;
    dlclose(library);
    printf("{\"unmapped\":%s}\n", safe && !dlopen(argv[2], RTLD_NOW | RTLD_NOLOAD) ? "true" : "false");
    return 0;
  } else {
    return fprintf(stderr, "no scenario %s\n", scenario), 2;
  }
  close_client();
  return 0;
}
