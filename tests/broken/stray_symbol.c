/* SPDX-License-Identifier: Apache-2.0
 * A plugin that exports more than its functions. */
#include "full_plugin.h"

EXPORT int grpc_init(void);
EXPORT int grpc_init(void) {
  return 0;
}
