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
EXPORT proc_status proc_config_init(uint32_t version, proc_config* config, uint32_t size) {
  (void)version;
  memset(config, 0, size);
  return PROC_OK;
}
#ifndef OWN_INIT
EXPORT proc_status proc_init(const proc_config* config, proc_client** client, char* error, uint64_t error_size) {
  (void)config, (void)error, (void)error_size;
  *client = (proc_client*)client;
  return PROC_OK;
}
#endif
EXPORT proc_status proc_allocate(proc_client* client, const proc_request* request, uint64_t* id, char* error,
                                 uint64_t error_size) {
  (void)client, (void)request, (void)id, (void)error, (void)error_size;
  return PROC_ERR_SHUT_DOWN;
}
EXPORT proc_status proc_cancel(proc_client* client, uint64_t id) {
  return (void)client, (void)id, PROC_OK;
}
EXPORT proc_status proc_poll(proc_client* client, uint32_t events, uint32_t time, int32_t wait, uint32_t* delivered) {
  (void)client, (void)events, (void)time, (void)wait;
  if (delivered) *delivered = 0;
  return PROC_OK;
}
EXPORT proc_status proc_poll_events(proc_client* client, proc_event* events, uint32_t size, uint32_t capacity,
                                    int32_t wait, uint32_t* count) {
  (void)client, (void)events, (void)size, (void)capacity, (void)wait;
  *count = 0;
  return PROC_OK;
}
EXPORT int32_t proc_wakeup_fd(const proc_client* client) {
  return (void)client, -1;
}
EXPORT proc_status proc_drain(proc_client* client, proc_drain_flags flags) {
  return (void)client, (void)flags, PROC_OK;
}
EXPORT proc_status proc_shutdown(proc_client* client, uint32_t timeout, char* error, uint64_t error_size) {
  return (void)client, (void)timeout, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_destroy(proc_client* client) {
  return (void)client, PROC_OK;
}
EXPORT proc_status proc_get_stats(const proc_client* client, proc_stats* stats) {
  return (void)client, (void)stats, PROC_OK;
}
EXPORT proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                       uint64_t size) {
  (void)client, (void)reason, (void)size;
  *state = PROC_CONNECTION_CONNECTING;
  return PROC_OK;
}
EXPORT proc_status proc_response_to_json(proc_bytes response, char* json, uint64_t size, uint64_t* needed) {
  return (void)response, (void)json, (void)size, (void)needed, PROC_OK;
}
#ifndef OWN_UNLOAD_STATE
EXPORT proc_unload_state proc_get_unload_state(char* reason, uint64_t size) {
  if (reason && size) reason[0] = '\0';
  return PROC_UNLOAD_SAFE;
}
#endif
