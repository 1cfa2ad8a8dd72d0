// SPDX-License-Identifier: Apache-2.0
// libgcc's unwinder is in each library for itself, and fills a table when it is first used. A host's exception that comes out of a
// callback is unwound by the host's unwinder, but what is to happen in this library's frames is decided by this library's one: it ends
// the process if its table is empty still. So it is used at once. The test packages.first_exception fails without.
#include <stddef.h>
#include <unwind.h>

static _Unwind_Reason_Code stop(struct _Unwind_Context* context, void* nothing) {
  (void)context;
  (void)nothing;
  return _URC_NORMAL_STOP;
}

__attribute__((constructor)) static void use_the_unwinder(void) {
  _Unwind_Backtrace(stop, NULL);
}
