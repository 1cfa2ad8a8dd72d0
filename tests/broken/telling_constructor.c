/* SPDX-License-Identifier: Apache-2.0
 * Makes the file that CONSTRUCTOR_RAN in the environment names when it is loaded. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OWN_END
#include "full_plugin.h"

__attribute__((constructor)) static void tell(void) {
  const char* path = getenv("CONSTRUCTOR_RAN");
  if (path) close(open(path, O_CREAT | O_WRONLY, 0600));
}

static int own_fd = -1;

EXPORT proc_status proc_get_wakeup_fd(const proc_client* client, int32_t* fd, char* error, uint64_t error_size) {
  if (own_fd < 0) own_fd = eventfd(0, EFD_CLOEXEC);
  *fd = own_fd;
  return (void)client, (void)error, (void)error_size, PROC_OK;
}

EXPORT proc_status proc_drain(proc_client* client, proc_drain_flags flags, char* error, uint64_t error_size) {
  return (void)client, (void)flags, (void)error, (void)error_size, PROC_OK;
}

EXPORT proc_status proc_shutdown(proc_client* client, uint32_t timeout, char* error, uint64_t error_size) {
  return (void)client, (void)timeout, (void)error, (void)error_size, PROC_OK;
}

EXPORT proc_status proc_destroy(proc_client* client, char* error, uint64_t error_size) {
  close(own_fd);
  own_fd = -1;
  return (void)client, (void)error, (void)error_size, PROC_OK;
}
