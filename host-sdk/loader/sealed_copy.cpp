// SPDX-License-Identifier: Apache-2.0
#include "loader/sealed_copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string_view>

namespace agones {

namespace {

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

constexpr const char* kInstead = "; with plugin_in_place the file itself is loaded";

[[noreturn]] void fail(const LibraryFile& file, const std::string& problem) {
  throw LibraryError(LibraryError::Kind::kNotLoadable,
                     "library '" + file.path() + "': no copy in memory can be made: " + problem + kInstead);
}

// While it lives, a write beyond RLIMIT_FSIZE is an error for this thread, and does not end the process.
class NoSizeSignal {
 public:
  NoSizeSignal() {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGXFSZ) == 1;
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~NoSizeSignal() {
    const timespec at_once{};
    while (!was_pending_ && sigtimedwait(&signal_, nullptr, &at_once) == SIGXFSZ) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSizeSignal(const NoSizeSignal&) = delete;
  NoSizeSignal& operator=(const NoSizeSignal&) = delete;

 private:
  sigset_t signal_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

int make_memory_file(const std::string& name) {
  // Where only such files are allowed (vm.memfd_noexec). Being mapped does not need the mode's x bits.
  const int fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  // An older kernel does not know the flag.
  return fd < 0 && errno == EINVAL ? memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

std::string problem_of_write(int error, std::size_t size) {
  if (error != EFBIG) {
    return std::string("write: ") + std::strerror(error);
  }
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  return "it has " + std::to_string(size) + " bytes, the process's limit of file sizes (RLIMIT_FSIZE) is " +
         std::to_string(limit.rlim_cur);
}

}  // namespace

SealedCopy::SealedCopy(const LibraryFile& file)
    : copy_(make_memory_file(std::filesystem::path(file.path()).filename())) {
  if (copy_.fd() < 0) {
    const int error = errno;
    const bool is_lack = error == EMFILE || error == ENFILE || error == ENOMEM;
    fail(file, std::string("memfd_create: ") + std::strerror(error) +
                   (is_lack ? "" : "; a sandbox (seccomp) or the system forbids it"));
  }
  std::string_view rest = file.bytes();
  {
    const NoSizeSignal no_signal;
    while (!rest.empty()) {
      const ssize_t wrote = write(copy_.fd(), rest.data(), rest.size());
      if (wrote < 0 && errno != EINTR) {
        fail(file, problem_of_write(errno, file.bytes().size()));
      }
      rest.remove_prefix(wrote < 0 ? 0 : static_cast<std::size_t>(wrote));
    }
  }
  if (fcntl(copy_.fd(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    fail(file, std::string("it cannot be sealed: ") + std::strerror(errno));
  }
  // The dynamic linker knows files by their paths alone.
  if (access(path().c_str(), R_OK) != 0) {
    const std::string problem = std::strerror(errno);
    fail(file, access("/proc/self", F_OK) != 0 ? "/proc is not mounted" : "'" + path() + "': " + problem);
  }
}

std::string SealedCopy::path() const {
  return "/proc/self/fd/" + std::to_string(copy_.fd());
}

}  // namespace agones
