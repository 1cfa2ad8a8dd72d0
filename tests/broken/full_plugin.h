/* SPDX-License-Identifier: Apache-2.0
 * A plugin with every function, which do nothing: the others of this folder break one thing in it. */
#pragma once

#include <agones/processor.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT uint32_t proc_abi_version(void) {
  return PROC_ABI_VERSION;
}
EXPORT const char* proc_version(void) {
  return "0.0.0";
}
EXPORT const char* proc_status_string(proc_status status) {
  return status == PROC_OK ? "OK" : "?";
}
EXPORT const char* proc_outcome_string(proc_outcome outcome) {
  return outcome == 0 ? "?" : "X";
}
EXPORT proc_status proc_config_init(uint32_t version, proc_config* config, uint32_t size, char* error,
                                    uint64_t error_size) {
  (void)version, (void)error, (void)error_size;
  memset(config, 0, size);
  return PROC_OK;
}
EXPORT proc_status proc_config_set(proc_config* config, const char* name, const char* value, char* error,
                                   uint64_t error_size) {
  return (void)config, (void)name, (void)value, (void)error, (void)error_size, PROC_OK;
}
EXPORT void proc_config_clear(proc_config* config) {
  (void)config;
}
#ifndef OWN_INIT
EXPORT proc_status proc_init(const proc_config* config, proc_client** client, char* error, uint64_t error_size) {
  (void)config, (void)error, (void)error_size;
  *client = (proc_client*)client;
  return PROC_OK;
}
#endif
EXPORT proc_status proc_allocate(proc_client* client, proc_format format, const void* body, uint64_t size,
                                 uint32_t timeout_ms, uint64_t token, uint64_t* id, char* error, uint64_t error_size) {
  (void)client, (void)format, (void)body, (void)size, (void)timeout_ms, (void)token, (void)id, (void)error,
      (void)error_size;
  return PROC_ERR_SHUT_DOWN;
}
#ifndef OWN_REQUESTS
EXPORT proc_status proc_allocate_request(proc_client* client, const proc_request* request, uint64_t* id, char* error,
                                         uint64_t error_size) {
  (void)client, (void)request, (void)id, (void)error, (void)error_size;
  return PROC_ERR_SHUT_DOWN;
}
EXPORT proc_status proc_poll(proc_client* client, uint32_t events, uint32_t time, int32_t wait, uint32_t* delivered,
                             uint32_t* more, char* error, uint64_t error_size) {
  (void)client, (void)events, (void)time, (void)wait, (void)error, (void)error_size;
  if (delivered) *delivered = 0;
  if (more) *more = 0;
  return PROC_OK;
}
EXPORT proc_status proc_poll_events(proc_client* client, proc_event* events, uint32_t size, uint32_t capacity,
                                    uint32_t time, int32_t wait, uint32_t* count, uint32_t* more, char* error,
                                    uint64_t error_size) {
  (void)client, (void)events, (void)size, (void)capacity, (void)time, (void)wait, (void)error, (void)error_size;
  *count = 0;
  if (more) *more = 0;
  return PROC_OK;
}
EXPORT proc_status proc_get_metrics(const proc_client* client, proc_metrics* metrics, char* error,
                                    uint64_t error_size) {
  return (void)client, (void)metrics, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_get_stats(const proc_client* client, proc_stats* stats, char* error, uint64_t error_size) {
  return (void)client, (void)stats, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                       uint64_t size, char* error, uint64_t error_size) {
  (void)client, (void)reason, (void)size, (void)error, (void)error_size;
  *state = PROC_CONNECTION_CONNECTING;
  return PROC_OK;
}
EXPORT proc_status proc_hand_over(proc_client* client, proc_take_fn* take, void* context, uint32_t time,
                                  uint32_t* count, uint32_t* more, char* error, uint64_t error_size) {
  (void)client, (void)take, (void)context, (void)time, (void)error, (void)error_size;
  if (count) *count = 0;
  if (more) *more = 0;
  return PROC_OK;
}
EXPORT proc_status proc_take_over(proc_client* client, const proc_moved_request* request, char* error,
                                  uint64_t error_size) {
  return (void)client, (void)request, (void)error, (void)error_size, PROC_ERR_SHUT_DOWN;
}
#endif
EXPORT proc_status proc_cancel(proc_client* client, uint64_t id, char* error, uint64_t error_size) {
  return (void)client, (void)id, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_poll_json(proc_client* client, proc_json_fn* on_json, void* context, uint32_t events,
                                  uint32_t time, int32_t wait, uint32_t* delivered, uint32_t* more, char* error,
                                  uint64_t error_size) {
  (void)client, (void)on_json, (void)context, (void)events, (void)time, (void)wait, (void)error, (void)error_size;
  if (delivered) *delivered = 0;
  if (more) *more = 0;
  return PROC_OK;
}
EXPORT proc_status proc_wake(proc_client* client, char* error, uint64_t error_size) {
  return (void)client, (void)error, (void)error_size, PROC_OK;
}
#ifndef OWN_END
EXPORT proc_status proc_drain(proc_client* client, proc_drain_flags flags, char* error, uint64_t error_size) {
  return (void)client, (void)flags, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_shutdown(proc_client* client, uint32_t timeout, char* error, uint64_t error_size) {
  return (void)client, (void)timeout, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_get_wakeup_fd(const proc_client* client, int32_t* fd, char* error, uint64_t error_size) {
  *fd = -1;
  return (void)client, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_destroy(proc_client* client, char* error, uint64_t error_size) {
  return (void)client, (void)error, (void)error_size, PROC_OK;
}
#endif
EXPORT proc_status proc_metrics_to_text(const proc_stats* stats, const proc_metrics* metrics, char* text, uint64_t size,
                                        uint64_t* needed, char* error, uint64_t error_size) {
  (void)stats, (void)metrics, (void)text, (void)size, (void)needed, (void)error, (void)error_size;
  return PROC_ERR_TOO_LARGE;
}
EXPORT proc_status proc_response_to_json(const void* response, uint64_t response_size, char* json, uint64_t size,
                                         uint64_t* needed, char* error, uint64_t error_size) {
  return (void)response, (void)response_size, (void)json, (void)size, (void)needed, (void)error, (void)error_size,
         PROC_OK;
}
EXPORT proc_status proc_request_to_protobuf(proc_format format, const void* body, uint64_t body_size,
                                            proc_unknown_fields unknown_fields, void* request, uint64_t size,
                                            uint64_t* needed, char* error, uint64_t error_size) {
  (void)format, (void)body, (void)body_size, (void)unknown_fields, (void)request, (void)size, (void)needed;
  return (void)error, (void)error_size, PROC_OK;
}
#ifndef OWN_UNLOAD_STATE
EXPORT proc_unload_state proc_get_unload_state(char* reason, uint64_t size) {
  if (reason && size) reason[0] = '\0';
  return PROC_UNLOAD_SAFE;
}
#endif
