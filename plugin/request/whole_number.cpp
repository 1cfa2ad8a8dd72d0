// SPDX-License-Identifier: Apache-2.0
#include "request/whole_number.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace agones::plugin {

namespace {

// More than any number that fits needs; the rest of a longer exponent changes nothing.
constexpr std::int64_t kLargestExponent = 1'000'000'000;
constexpr std::size_t kMostDigits = 19;  // of an int64

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view take_digits() {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_digit);
    const std::string_view digits = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(digits.size());
    return digits;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

struct Number {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::int64_t exponent = 0;
};

std::optional<std::int64_t> scan_exponent(Scanner& scanner) {
  const bool negative = scanner.take('-');
  if (!negative) {
    scanner.take('+');
  }
  const std::string_view digits = scanner.take_digits();
  if (digits.empty()) {
    return std::nullopt;
  }
  std::int64_t exponent = 0;
  for (const char digit : digits) {
    exponent = std::min(exponent * 10 + (digit - '0'), kLargestExponent);
  }
  return negative ? -exponent : exponent;
}

std::optional<Number> scan(std::string_view text) {
  Scanner scanner(text);
  Number number;
  number.negative = scanner.take('-');
  number.whole = scanner.take_digits();
  if (number.whole.empty() || (number.whole.size() > 1 && number.whole.front() == '0')) {
    return std::nullopt;
  }
  if (scanner.take('.')) {
    number.fraction = scanner.take_digits();
    if (number.fraction.empty()) {
      return std::nullopt;
    }
  }
  if (scanner.take('e') || scanner.take('E')) {
    const auto exponent = scan_exponent(scanner);
    if (!exponent) {
      return std::nullopt;
    }
    number.exponent = *exponent;
  }
  return scanner.at_end() ? std::optional(number) : std::nullopt;
}

// With a sign or without.
std::optional<std::int64_t> from_digits(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_int64(std::string_view text) {
  const auto number = scan(text);
  if (!number) {
    return std::nullopt;
  }
  if (number->fraction.empty() && number->exponent == 0) {
    // The sign and the digits, in front of an exponent of 0.
    return from_digits(text.substr(0, (number->negative ? 1 : 0) + number->whole.size()));
  }
  // Its digits without zeros at either end, and by which power of ten they are to be multiplied.
  std::string digits(number->whole);
  digits += number->fraction;
  digits.erase(0, digits.find_first_not_of('0'));
  std::int64_t exponent = number->exponent - static_cast<std::int64_t>(number->fraction.size());
  const std::size_t last = digits.find_last_not_of('0');
  if (last == std::string::npos) {
    return 0;
  }
  exponent += static_cast<std::int64_t>(digits.size() - last - 1);
  digits.resize(last + 1);
  if (exponent < 0 || exponent + static_cast<std::int64_t>(digits.size()) > static_cast<std::int64_t>(kMostDigits)) {
    return std::nullopt;
  }
  digits.append(static_cast<std::size_t>(exponent), '0');
  if (number->negative) {
    digits.insert(0, 1, '-');
  }
  return from_digits(digits);
}

}  // namespace agones::plugin
