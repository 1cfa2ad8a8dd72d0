/* SPDX-License-Identifier: Apache-2.0
 * A plugin that leaves a thread behind and says that it may be unloaded. */
#include <pthread.h>
#include <unistd.h>

#define OWN_INIT
#include "full_plugin.h"

EXPORT proc_status proc_init(const proc_config* config, proc_client** client, char* error, uint64_t error_size) {
  (void)config, (void)error, (void)error_size;
  *client = (proc_client*)client;
  /* The C library's own pause(), so that the thread runs no code that is unmapped under it. */
  int (*wait_for_ever)(void) = pause;
  void* (*body)(void*);
  memcpy(&body, &wait_for_ever, sizeof body);
  pthread_t thread;
  return pthread_create(&thread, NULL, body, NULL) == 0 ? PROC_OK : PROC_ERR_INTERNAL;
}
