// SPDX-License-Identifier: Apache-2.0
// The process in another locale.
#pragma once

#include <string>

namespace agones::test {

// As long as it lives the whole process is in this locale ("tr_TR"), C and C++, in UTF-8; then it is in the C locale again.
class OtherLocale {
 public:
  // Throws std::runtime_error if the locale can't be made (Debian's package `locales`).
  explicit OtherLocale(const std::string& name);
  ~OtherLocale();
  OtherLocale(const OtherLocale&) = delete;
  OtherLocale& operator=(const OtherLocale&) = delete;
};

// One that turns an I into another letter, one with a decimal comma, one with a decimal sign of two bytes, one with other digits.
inline constexpr const char* kOtherLocales[] = {"tr_TR", "de_DE", "ps_AF", "ar_EG"};

}  // namespace agones::test
