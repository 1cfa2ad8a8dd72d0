// SPDX-License-Identifier: Apache-2.0
#include "loader/sealed_copy.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "loader/trust.h"

namespace agones {

namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

// A file's bytes, for reading.
class Mapping {
 public:
  explicit Mapping(int fd) {
    struct stat info {};
    if (fstat(fd, &info) == 0 && info.st_size > 0) {
      size_ = static_cast<std::size_t>(info.st_size);
      void* start = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
      start_ = start == MAP_FAILED ? nullptr : start;
    }
  }
  ~Mapping() {
    if (start_ != nullptr) {
      munmap(start_, size_);
    }
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::string_view bytes() const { return {static_cast<const char*>(start_), start_ == nullptr ? 0 : size_}; }

 private:
  void* start_ = nullptr;
  std::size_t size_ = 0;
};

[[noreturn]] void fail(LibraryError::Kind kind, const std::string& path, const std::string& problem) {
  throw LibraryError(kind, "library '" + path + "': " + problem);
}

struct DigestDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Copies all of `from` to `to`; returns the SHA-256 as hexadecimal digits.
std::string copy_and_hash(const std::string& path, int from, int to) {
  const std::unique_ptr<EVP_MD_CTX, DigestDeleter> digest(EVP_MD_CTX_new());
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      fail(LibraryError::Kind::kNoFile, path, std::strerror(errno));
    }
    if (got == 0) {
      break;
    }
    EVP_DigestUpdate(digest.get(), buffer.data(), static_cast<std::size_t>(got));
    for (ssize_t written = 0; written < got;) {
      const ssize_t wrote = write(to, buffer.data() + written, static_cast<std::size_t>(got - written));
      if (wrote < 0) {
        fail(LibraryError::Kind::kNotLoadable, path, std::string("cannot copy: ") + std::strerror(errno));
      }
      written += wrote;
    }
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  EVP_DigestFinal_ex(digest.get(), hash.data(), &size);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[hash[i] >> 4U];
    text += kDigits[hash[i] & 15U];
  }
  return text;
}

}  // namespace

SealedCopy::SealedCopy(const std::string& path, const LoadOptions& options) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (file.fd() < 0 || fstat(file.fd(), &info) != 0) {
    fail(LibraryError::Kind::kNoFile, path, std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) {
    fail(LibraryError::Kind::kNoFile, path, "not a file");
  }
  check_trust(path, info, options);
  const std::string name = std::filesystem::path(path).filename();
  File copy(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (copy.fd() < 0) {
    fail(LibraryError::Kind::kNotLoadable, path, std::string("memfd_create: ") + std::strerror(errno));
  }
  sha256_ = copy_and_hash(path, file.fd(), copy.fd());
  std::string wanted = options.sha256;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](unsigned char digit) { return static_cast<char>(std::tolower(digit)); });
  if (!wanted.empty() && wanted != sha256_) {
    fail(LibraryError::Kind::kNotTrusted, path, "its SHA-256 is " + sha256_ + ", expected " + wanted);
  }
  if (fcntl(copy.fd(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    fail(LibraryError::Kind::kNotLoadable, path, std::string("cannot seal the copy: ") + std::strerror(errno));
  }
  const Mapping mapping(copy.fd());
  elf_ = read_elf(mapping.bytes());
  if (!elf_.problem.empty()) {
    fail(LibraryError::Kind::kNotLoadable, path, "cannot be loaded: " + elf_.problem);
  }
  fd_ = copy.release();
}

SealedCopy::~SealedCopy() {
  close(fd_);
}

bool SealedCopy::exports(std::string_view name) const {
  return std::any_of(elf_.exports.begin(), elf_.exports.end(),
                     [name](const ElfFile::Symbol& symbol) { return symbol.name == name; });
}

std::string SealedCopy::path() const {
  return "/proc/self/fd/" + std::to_string(fd_);
}

}  // namespace agones
