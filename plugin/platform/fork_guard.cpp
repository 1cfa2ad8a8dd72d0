// SPDX-License-Identifier: Apache-2.0
#include "platform/fork_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace agones::plugin {

namespace {

std::size_t page_size() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

ForkGuard::ForkGuard() {
  void* page = mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "mmap");
  }
  if (madvise(page, page_size(), MADV_WIPEONFORK) != 0) {
    const int error = errno;
    munmap(page, page_size());
    throw std::system_error(error, std::generic_category(), "madvise(MADV_WIPEONFORK)");
  }
  *static_cast<int*>(page) = 1;
  mark_ = static_cast<const int*>(page);
}

ForkGuard::~ForkGuard() {
  munmap(const_cast<int*>(mark_), page_size());
}

}  // namespace agones::plugin
