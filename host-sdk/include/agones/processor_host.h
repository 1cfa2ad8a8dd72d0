/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Hot swap for hosts without C++: a client whose plugin can be replaced while it runs. Link
 * libagones_processor_host.so. The same rules as in agones/processor.h: thread tags, ownership, errors.
 * C++ hosts have agones/swap.hpp.
 */
#ifndef AGONES_PROCESSOR_HOST_H
#define AGONES_PROCESSOR_HOST_H

#include <agones/processor.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(PROC_BUILDING_HOST)
#define PROC_HOST_API __attribute__((visibility("default")))
#else
#define PROC_HOST_API
#endif

typedef struct proc_host proc_host;

typedef int32_t proc_swap_state;
#define PROC_SWAP_NONE 0
/* The new plugin is loaded and tested, or the old one drains. */
#define PROC_SWAP_RUNNING 1
#define PROC_SWAP_DONE 2
/* The old plugin goes on; the error says why. */
#define PROC_SWAP_FAILED 3

/* How the last swap went. Strings are NUL-terminated and cut to fit. */
typedef struct proc_swap_report {
  uint32_t struct_size;
  proc_swap_state state;
  char from_version[32];
  char to_version[32];
  uint64_t moved;          /* requests not yet sent, handed to the new plugin */
  uint64_t drained;        /* requests in flight that ended on the old plugin */
  uint64_t longest_gap_us; /* from the switch until the last request was moved */
  int32_t unloaded;        /* 1: the old library is out of the process; 0: `error` says what keeps it */
  int32_t reserved;
  char error[256];
} proc_swap_report;

/* Loads the plugin and makes a client with this config (copied). Errors: as proc_init. [any] */
PROC_HOST_API proc_status proc_host_open(const char* plugin_path, const proc_config* config, proc_host** host,
                                         char* error, uint64_t error_size);

/* As proc_allocate, proc_cancel, proc_poll, proc_get_stats (of the present plugin). Request ids are the
 * host's own and outlive a swap. */
PROC_HOST_API proc_status proc_host_allocate(proc_host* host, const proc_request* request, uint64_t* request_id,
                                             char* error, uint64_t error_size);
PROC_HOST_API proc_status proc_host_cancel(proc_host* host, uint64_t request_id);
PROC_HOST_API proc_status proc_host_poll(proc_host* host, uint32_t max_events, uint32_t max_time_us, int32_t wait_ms,
                                         uint32_t* delivered);

/* Starts a swap; proc_host_poll carries it on. Errors: BUSY (one is running). [any] */
PROC_HOST_API proc_status proc_host_swap(proc_host* host, const char* plugin_path);
/* Errors: INVALID_ARGUMENT. [any, callback] */
PROC_HOST_API proc_status proc_host_get_swap_report(const proc_host* host, proc_swap_report* report);

/* Shuts down, unloads, frees. What does not end in time keeps its library mapped. [poller] */
PROC_HOST_API proc_status proc_host_close(proc_host* host, uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* AGONES_PROCESSOR_HOST_H */
