// SPDX-License-Identifier: Apache-2.0
// A file's bytes; nothing outside of them is read, whatever the file says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace agones {

class FileBytes {
 public:
  explicit FileBytes(std::string_view file) : file_(file) {}

  std::size_t size() const { return file_.size(); }

  bool holds(std::uint64_t offset, std::uint64_t size) const {
    return offset <= file_.size() && size <= file_.size() - offset;
  }

  template <typename T>
  std::optional<T> at(std::uint64_t offset) const {
    if (!holds(offset, sizeof(T))) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof(T));
    return value;
  }

  // One that is terminated by NUL, of at most kLongestText.
  std::optional<std::string_view> text(std::uint64_t offset) const {
    if (offset >= file_.size()) {
      return std::nullopt;
    }
    const std::string_view rest = file_.substr(offset, kLongestText + 1);
    const std::size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::nullopt : std::optional(rest.substr(0, end));
  }

 private:
  static constexpr std::size_t kLongestText = 65'535;

  std::string_view file_;
};

}  // namespace agones
