// SPDX-License-Identifier: Apache-2.0
#include <agones/processor_swap.h>
#include <stdio.h>

int main(void) {
  return puts(proc_version()) < 0 || !proc_swap;
}
