/* SPDX-License-Identifier: Apache-2.0
 * To be preloaded: a machine of 64 cores, of which this process runs on the last one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#define CORES 64
#define EXPORT __attribute__((visibility("default")))

EXPORT int sched_getcpu(void) {
  return CORES - 1;
}

EXPORT long sysconf(int name) {
  long (*real)(int);
  *(void**)&real = dlsym(RTLD_NEXT, "sysconf");
  return name == _SC_NPROCESSORS_CONF || name == _SC_NPROCESSORS_ONLN ? CORES : real(name);
}
