/* SPDX-License-Identifier: Apache-2.0
 * A plugin of a later version: each of its structs has one field more than the header knows. It gives back what it finds
 * there. Requests with the body "hold" end only after another client took them over, those with "keep" when the client is
 * drained. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OWN_INIT
#define OWN_REQUESTS
#define OWN_END
#define OWN_UNLOAD_STATE
#include "broken/full_plugin.h"
#include "pairs/later_structs.h"

enum { MOST = 4096 };

/* The test program's, if it has one: told of calls, with the time that they may take. */
extern __attribute__((weak)) void echo_called(const char* function, uint32_t max_time_us);

static void tell(const char* function, uint32_t max_time_us) {
  if (echo_called) echo_called(function, max_time_us);
}

EXPORT proc_unload_state proc_get_unload_state(char* reason, uint64_t size) {
  tell("get_unload_state", 0);
  if (reason && size) reason[0] = '\0';
  return PROC_UNLOAD_SAFE;
}

struct request {
  uint64_t id, token, later;
  int held, kept;
};

struct proc_client {
  later_config config;
  struct request requests[MOST];
  uint64_t count, ended, last_id;
  int wakeup_fd, told;
  pthread_mutex_t mutex;
};

EXPORT proc_status proc_init(const proc_config* config, proc_client** client, char* error, uint64_t error_size) {
  (void)error, (void)error_size;
  *client = calloc(1, sizeof **client);
  const size_t known = config->struct_size < sizeof(later_config) ? config->struct_size : sizeof(later_config);
  memcpy(&(*client)->config, config, known);
  (*client)->last_id = config->first_request_id ? config->first_request_id - 1 : 0;
  (*client)->wakeup_fd = eventfd(0, EFD_CLOEXEC);
  pthread_mutex_init(&(*client)->mutex, NULL);
  return PROC_OK;
}

EXPORT proc_status proc_destroy(proc_client* client, char* error, uint64_t error_size) {
  (void)error, (void)error_size;
  close(client->wakeup_fd);
  free(client);
  return PROC_OK;
}

EXPORT proc_status proc_drain(proc_client* client, proc_drain_flags flags, char* error, uint64_t error_size) {
  (void)error, (void)error_size;
  pthread_mutex_lock(&client->mutex);
  for (int i = 0; flags == PROC_DRAIN_END_ALL && i < MOST; i++) client->requests[i].kept = 0;
  pthread_mutex_unlock(&client->mutex);
  return PROC_OK;
}

EXPORT proc_status proc_shutdown(proc_client* client, uint32_t timeout, char* error, uint64_t error_size) {
  (void)client, (void)timeout, (void)error, (void)error_size;
  tell("shutdown", 0);
  return PROC_OK;
}

EXPORT proc_status proc_get_wakeup_fd(const proc_client* client, int32_t* fd, char* error, uint64_t error_size) {
  (void)error, (void)error_size;
  *fd = client->wakeup_fd;
  return PROC_OK;
}

EXPORT proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                       uint64_t size, char* error, uint64_t error_size) {
  (void)client, (void)reason, (void)size, (void)error, (void)error_size;
  *state = PROC_CONNECTION_SERVING;
  return PROC_OK;
}

static struct request* add(proc_client* client) {
  for (int i = 0; i < MOST; i++) {
    struct request* request = &client->requests[client->count++ % MOST];
    if (!request->id) return request;
  }
  return NULL;
}

EXPORT proc_status proc_allocate_request(proc_client* client, const proc_request* request, uint64_t* id, char* error,
                                         uint64_t error_size) {
  (void)error, (void)error_size;
  pthread_mutex_lock(&client->mutex);
  struct request* added = add(client);
  if (!added) return pthread_mutex_unlock(&client->mutex), PROC_ERR_QUEUE_FULL;
  added->id = ++client->last_id;
  added->token = request->token;
  added->later = request->struct_size >= sizeof(later_request) ? ((const later_request*)request)->later : 0;
  added->held = request->body.size == 4 && memcmp(request->body.data, "hold", 4) == 0;
  added->kept = request->body.size == 4 && memcmp(request->body.data, "keep", 4) == 0;
  if (id) *id = added->id;
  pthread_mutex_unlock(&client->mutex);
  return PROC_OK;
}

/* The next one that may end now. */
static struct request* next_ended(proc_client* client) {
  for (int i = 0; i < MOST; i++) {
    struct request* request = &client->requests[i];
    if (request->id && !request->held && !request->kept) return request;
  }
  return NULL;
}

static int end_one(proc_client* client, later_event* event) {
  pthread_mutex_lock(&client->mutex);
  struct request* request = next_ended(client);
  if (!request) return pthread_mutex_unlock(&client->mutex), 0;
  *event = (later_event){.known = {.struct_size = sizeof *event,
                                   .type = PROC_EVENT_RESULT,
                                   .request_id = request->id,
                                   .token = request->token,
                                   .outcome = PROC_OUTCOME_REJECTED,
                                   .delivery = PROC_DELIVERY_DONE},
                         .later = request->later + client->config.later};
  request->id = 0;
  client->ended++;
  pthread_mutex_unlock(&client->mutex);
  return 1;
}

static void log_once(proc_client* client) {
  const later_log line = {.known = {.struct_size = sizeof line, .severity = PROC_SEVERITY_INFO},
                          .later = client->config.later};
  if (client->config.known.on_log && !client->told)
    client->config.known.on_log(client->config.known.log_context, &line.known);
  client->told = 1;
}

EXPORT proc_status proc_poll(proc_client* client, uint32_t events, uint32_t time, int32_t wait, uint32_t* delivered,
                             uint32_t* more, char* error, uint64_t error_size) {
  (void)wait, (void)error, (void)error_size;
  uint32_t count = 0;
  tell("poll", time);
  log_once(client);
  for (later_event event; (!events || count < events) && end_one(client, &event); count++) {
    client->config.known.on_event(client->config.known.event_context, &event.known);
  }
  *delivered = count;
  *more = 0;
  return PROC_OK;
}

EXPORT proc_status proc_poll_events(proc_client* client, proc_event* events, uint32_t size, uint32_t capacity,
                                    uint32_t time, int32_t wait, uint32_t* count, uint32_t* more, char* error,
                                    uint64_t error_size) {
  (void)wait, (void)error, (void)error_size;
  tell("poll_events", time);
  *count = 0;
  *more = 0;
  for (later_event event; *count < capacity && end_one(client, &event); ++*count) {
    const uint32_t known = size < sizeof event ? size : (uint32_t)sizeof event;
    event.known.struct_size = known;
    memcpy((char*)events + (size_t)*count * size, &event, known);
  }
  return PROC_OK;
}

EXPORT proc_status proc_get_stats(const proc_client* client, proc_stats* stats, char* error, uint64_t error_size) {
  (void)error, (void)error_size;
  pthread_mutex_t* mutex = (pthread_mutex_t*)&client->mutex;
  pthread_mutex_lock(mutex);
  later_stats filled = {.known = {.struct_size = stats->struct_size}, .later = client->ended};
  for (int i = 0; i < MOST; i++) filled.known.pending += client->requests[i].id != 0;
  pthread_mutex_unlock(mutex);
  memcpy(stats, &filled, stats->struct_size < sizeof filled ? stats->struct_size : sizeof filled);
  return PROC_OK;
}

EXPORT proc_status proc_get_metrics(const proc_client* client, proc_metrics* metrics, char* error,
                                    uint64_t error_size) {
  (void)error, (void)error_size;
  const uint32_t size = metrics->struct_size;
  memset(metrics, 0, size);
  metrics->struct_size = size;
  if (size >= sizeof(later_metrics)) {
    pthread_mutex_lock(&((proc_client*)client)->mutex);
    ((later_metrics*)metrics)->later = client->ended;
    pthread_mutex_unlock(&((proc_client*)client)->mutex);
  }
  return PROC_OK;
}

EXPORT proc_status proc_hand_over(proc_client* client, proc_take_fn* take, void* context, uint32_t time,
                                  uint32_t* count, uint32_t* more, char* error, uint64_t error_size) {
  (void)error, (void)error_size;
  tell("hand_over", time);
  *count = 0;
  *more = 0;
  pthread_mutex_lock(&client->mutex);
  for (int i = 0; i < MOST; i++) {
    struct request* request = &client->requests[i];
    if (!request->id || !request->held) continue;
    const later_moved_request moved = {.known = {.struct_size = sizeof moved,
                                                 .timeout_ms = 1000,
                                                 .request_id = request->id,
                                                 .token = request->token,
                                                 .body = {"hold", 4}},
                                       .later = request->later};
    if (take(context, &moved.known) != PROC_OK) {
      *more = 1;
      break;
    }
    request->id = 0;
    ++*count;
  }
  pthread_mutex_unlock(&client->mutex);
  return PROC_OK;
}

EXPORT proc_status proc_take_over(proc_client* client, const proc_moved_request* request, char* error,
                                  uint64_t error_size) {
  (void)error, (void)error_size;
  pthread_mutex_lock(&client->mutex);
  struct request* added = add(client);
  if (!added) return pthread_mutex_unlock(&client->mutex), PROC_ERR_NO_MEMORY;
  added->id = request->request_id;
  added->token = request->token;
  added->later = request->struct_size >= sizeof(later_moved_request) ? ((const later_moved_request*)request)->later : 0;
  added->held = added->kept = 0;
  pthread_mutex_unlock(&client->mutex);
  return PROC_OK;
}
