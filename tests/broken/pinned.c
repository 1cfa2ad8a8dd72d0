/* SPDX-License-Identifier: Apache-2.0
 * A plugin that can never be unloaded, and says so. */
#define OWN_UNLOAD_STATE
#include "full_plugin.h"

EXPORT proc_unload_state proc_get_unload_state(char* reason, uint64_t size) {
  if (reason && size) strncpy(reason, "a library in it is pinned", size - 1)[size - 1] = '\0';
  return PROC_UNLOAD_PINNED;
}
