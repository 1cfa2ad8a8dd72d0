/* SPDX-License-Identifier: Apache-2.0
 * A plugin of another major version. Anything but its version being asked for ends the process. */
#include <stdlib.h>

#ifndef ABI_VERSION
#define ABI_VERSION (2u << 16)
#endif
#define proc_abi_version ignored_abi_version
#define OWN_INIT
#include "full_plugin.h"
#undef proc_abi_version

EXPORT uint32_t proc_abi_version(void) {
  return ABI_VERSION;
}
EXPORT proc_status proc_init(const proc_config* config, proc_client** client, char* error, uint64_t error_size) {
  (void)config, (void)client, (void)error, (void)error_size;
  abort();
}
