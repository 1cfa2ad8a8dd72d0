/* SPDX-License-Identifier: Apache-2.0
 * A plugin that leaves a thread behind and says that it may be unloaded. */
#include <pthread.h>
#include <unistd.h>

#define OWN_INIT
#include "full_plugin.h"

/* Never returns from the kernel, so that it does not matter that its code is unmapped. */
static void* wait_for_ever(void* unused) {
  for (;;) pause();
  return unused;
}

EXPORT proc_status proc_init(const proc_config* config, proc_client** client, char* error, uint64_t error_size) {
  (void)config, (void)error, (void)error_size;
  *client = (proc_client*)client;
  pthread_t thread;
  return pthread_create(&thread, NULL, wait_for_ever, NULL) == 0 ? PROC_OK : PROC_ERR_INTERNAL;
}
