/* SPDX-License-Identifier: Apache-2.0
 * A plugin without most of its functions. */
#include <agones/processor.h>

__attribute__((visibility("default"))) uint32_t proc_abi_version(void) {
  return PROC_ABI_VERSION;
}
