// SPDX-License-Identifier: Apache-2.0
#include "loader/library_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "loader/descriptor.h"
#include "loader/trust.h"

namespace agones {

namespace {

// No library is so large; it is kept in memory.
constexpr off_t kLargest = off_t{1} << 30U;

[[noreturn]] void fail(LibraryError::Kind kind, const std::string& path, const std::string& problem) {
  throw LibraryError(kind, "library '" + path + "': " + problem);
}

std::string read_all(const std::string& path, int fd, off_t size) {
  std::string bytes;
  // One more, to see the end.
  bytes.resize(static_cast<std::size_t>(size) + 1);
  std::size_t read_so_far = 0;
  while (read_so_far < bytes.size()) {
    const ssize_t got = read(fd, bytes.data() + read_so_far, bytes.size() - read_so_far);
    if (got < 0 && errno != EINTR) {
      fail(LibraryError::Kind::kNoFile, path, std::strerror(errno));
    }
    if (got == 0) {
      break;
    }
    read_so_far += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  if (read_so_far > static_cast<std::size_t>(size)) {
    fail(LibraryError::Kind::kNotLoadable, path, "it is being written");
  }
  bytes.resize(read_so_far);
  return bytes;
}

std::string sha256_of(std::string_view bytes) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), hash, &size, EVP_sha256(), nullptr) != 1) {
    return {};
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[hash[i] >> 4U];
    text += kDigits[hash[i] & 15U];
  }
  return text;
}

// Hexadecimal digits, whatever the locale.
std::string lower(std::string digits) {
  std::transform(digits.begin(), digits.end(), digits.begin(), [](char digit) {
    return digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
  });
  return digits;
}

}  // namespace

LibraryFile::LibraryFile(const std::string& path, const LoadOptions& options) : path_(path) {
  // What is no file may keep its opener waiting.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (file.fd() < 0 || fstat(file.fd(), &info) != 0) {
    fail(LibraryError::Kind::kNoFile, path, std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) {
    fail(LibraryError::Kind::kNoFile, path, "not a file");
  }
  check_trust(path, info, options);
  if (info.st_size > kLargest) {
    fail(LibraryError::Kind::kNotLoadable, path, "it has more than 1 GiB");
  }
  bytes_ = read_all(path, file.fd(), info.st_size);
  sha256_ = sha256_of(bytes_);
  if (const std::string wanted = lower(options.sha256); !wanted.empty() && wanted != sha256_) {
    fail(LibraryError::Kind::kNotTrusted, path, "its SHA-256 is " + sha256_ + ", expected " + wanted);
  }
  elf_ = read_elf(bytes_);
  if (!elf_.problem.empty()) {
    fail(LibraryError::Kind::kNotLoadable, path, "cannot be loaded: " + elf_.problem);
  }
}

bool LibraryFile::exports(std::string_view name) const {
  return std::any_of(elf_.exports.begin(), elf_.exports.end(),
                     [name](const ElfFile::Symbol& symbol) { return symbol.name == name; });
}

}  // namespace agones
