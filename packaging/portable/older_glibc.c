// SPDX-License-Identifier: Apache-2.0
// What Debian's archives ask of a glibc newer than the portable build may need, for an older one. The link line sends their calls
// here (packaging/cmake/Portable.cmake); the test portable.needs fails when there is one more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

// Of glibc 2.36; libstdc++ and c-ares use it.
uint32_t __wrap_arc4random(void);
uint32_t __wrap_arc4random(void) {
  uint32_t number = 0;
  if (getentropy(&number, sizeof(number)) != 0) {
    abort();  // as glibc's own does
  }
  return number;
}

struct search {
  uintptr_t address;
  struct dl_find_object* found;
};

static int look_at(struct dl_phdr_info* info, size_t size, void* context) {
  struct search* search = context;
  uintptr_t start = UINTPTR_MAX;
  uintptr_t end = 0;
  void* eh_frame = NULL;
  int holds_it = 0;
  (void)size;
  for (size_t i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)* segment = &info->dlpi_phdr[i];
    const uintptr_t from = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_GNU_EH_FRAME) {
      eh_frame = (void*)from;
    }
    if (segment->p_type == PT_LOAD) {
      const uintptr_t to = from + segment->p_memsz;
      start = from < start ? from : start;
      end = to > end ? to : end;
      holds_it |= search->address >= from && search->address < to;
    }
  }
  if (!holds_it || eh_frame == NULL) {
    return 0;
  }
  memset(search->found, 0, sizeof(*search->found));
  search->found->dlfo_map_start = (void*)start;
  search->found->dlfo_map_end = (void*)end;
  search->found->dlfo_eh_frame = eh_frame;
  return 1;
}

// Of glibc 2.35; the unwinder uses it, and needs the frames alone. Slower than glibc's own, which matters to exceptions only.
int __wrap__dl_find_object(void* address, struct dl_find_object* found);
int __wrap__dl_find_object(void* address, struct dl_find_object* found) {
  struct search search = {(uintptr_t)address, found};
  return dl_iterate_phdr(look_at, &search) == 1 ? 0 : -1;
}
