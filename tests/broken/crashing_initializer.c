/* SPDX-License-Identifier: Apache-2.0
 * A plugin that crashes while it is loaded. */
#include <stdlib.h>

#include "full_plugin.h"

__attribute__((constructor)) static void crash(void) {
  abort();
}
