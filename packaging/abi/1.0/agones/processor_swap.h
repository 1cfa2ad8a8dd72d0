/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What libagones_processor_host.so has beside agones/processor.h: replacing the plugin of a client by another version
 * while requests are under way. The same rules: thread tags, ownership, errors.
 *
 *   proc_swap(client, file): load the new file -> init -> serving? -> switch: new requests go to the new plugin
 *   -> what the old one has not sent moves over, what it has sent ends -> shut down -> unload
 *
 * The polls carry a swap on, within their limits; loading and closing have a thread of their own, so that no frame waits for
 * the dynamic linker or for proc_shutdown. What the old plugin has sent and the processor has not answered when
 * swap_drain_timeout_ms is over ends as SHUTDOWN, UNKNOWN, and is polled as everything else.
 *
 * If the new plugin fails any check, the old one goes on as if nothing had happened. While it is on trial, its log lines
 * reach on_log alone, and nothing else of it is heard; if the host knows another state of the connection when the new
 * plugin takes over, a CONNECTION event tells.
 */
#ifndef AGONES_PROCESSOR_SWAP_H
#define AGONES_PROCESSOR_SWAP_H

#include <agones/processor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t proc_swap_state;
enum proc_swap_state_values {
  /* There was none yet. */
  PROC_SWAP_NONE = 0,
  /* The new plugin is loaded and tested, or the old one drains. */
  PROC_SWAP_RUNNING = 1,
  PROC_SWAP_DONE = 2,
  /* The old plugin goes on; the error says why. */
  PROC_SWAP_FAILED = 3
};

/* How the last swap went. Texts are NUL-terminated and cut to fit. */
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
  char error[512];
} proc_swap_report;

/* Starts to replace the plugin by the one in `file` (NUL-terminated). A poll that waits carries it on, and returns when it
 * has ended. sha256: NULL, or the 64
 * hexadecimal digits that the file must have; needed if the config has plugin_sha256. A file that can't be used fails
 * the swap, not this call: see proc_get_swap_report.
 * Errors: BUSY (a swap is running), INVALID_ARGUMENT, SHUT_DOWN. [any, callback] */
typedef proc_status proc_swap_fn(proc_client* client, const char* file, const char* sha256, char* error,
                                 uint64_t error_size);
PROC_API proc_swap_fn proc_swap;

/* Fills *report (struct_size set by the caller). [any, callback] */
typedef proc_status proc_get_swap_report_fn(const proc_client* client, proc_swap_report* report, char* error,
                                            uint64_t error_size);
PROC_API proc_get_swap_report_fn proc_get_swap_report;

/* The release of the plugin that takes new requests, e.g. "1.0.0": NUL-terminated, cut to fit. proc_version is the host
 * library's own. [any, callback] */
typedef proc_status proc_get_plugin_version_fn(const proc_client* client, char* version, uint64_t size, char* error,
                                               uint64_t error_size);
PROC_API proc_get_plugin_version_fn proc_get_plugin_version;

/* Every function of 1.0, as PROC_EACH_FUNCTION. */
#define PROC_EACH_SWAP_FUNCTION(F) \
  F(swap)                          \
  F(get_swap_report)               \
  F(get_plugin_version)

#ifdef __cplusplus
}
#endif

#endif /* AGONES_PROCESSOR_SWAP_H */
