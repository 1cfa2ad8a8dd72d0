// SPDX-License-Identifier: Apache-2.0
// The C request writer: whatever it is told, it stays in its buffer, and what it calls good is the message that the C++
// builder makes of the same calls.
#include <agones/request.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  std::uint8_t byte() {
    if (size_ == 0) {
      return 0;
    }
    --size_;
    return *data_++;
  }
  std::string text() { return std::string(byte() % 200, 'x'); }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::vector<char> buffer(static_cast<std::size_t>(input.byte()) * 16 + 1);
  proc_writer writer = proc_writer_on(buffer.data(), buffer.size());
  struct Open {
    std::uint32_t field;
    bool entry;
    agones::detail::Message message;
    std::string key;
  };
  std::vector<Open> open(1);
  while (!input.empty()) {
    const std::uint8_t what = input.byte();
    const std::uint32_t field = 1U + what / 8U;
    const std::string text = input.text();
    agones::detail::Message& inner = open.back().message;
    switch (what % 8U) {
      case 0:
        proc_put_text(&writer, field, text.c_str());
        inner.text(field, text);
        break;
      case 1: {
        const auto number = static_cast<std::int64_t>(text.size() * 0x0123456789abcdefU);
        proc_put_number(&writer, field, number);
        inner.number(field, number);
        break;
      }
      case 2:
        proc_put_wrapped_text(&writer, field, text.c_str());
        inner.wrapped_text(field, text);
        break;
      case 3:
        proc_put_entry(&writer, field, text.c_str(), "value");
        inner.entry(field, text, "value");
        break;
      case 4:
        proc_begin(&writer, field);
        open.push_back({field, false, {}, {}});
        break;
      case 5:
        proc_begin_entry(&writer, field, text.c_str());
        open.push_back({field, true, {}, text});
        break;
      default:
        if (open.back().entry) {
          proc_end_entry(&writer);
        } else {
          proc_end(&writer);
        }
        if (open.size() > 1) {
          const Open ended = open.back();
          open.pop_back();
          if (ended.entry) {
            open.back().message.entry(ended.field, ended.key, ended.message.bytes());
          } else {
            open.back().message.message(ended.field, ended.message);
          }
        }
    }
  }
  if (writer.size > buffer.size()) {
    std::abort();
  }
  if (proc_writer_status(&writer) == PROC_OK &&
      std::string(buffer.data(), writer.size) != open.front().message.bytes()) {
    std::abort();
  }
  return 0;
}
