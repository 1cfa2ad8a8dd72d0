// SPDX-License-Identifier: Apache-2.0
#include "text/english.h"

#include <cstring>

namespace agones::plugin {

std::string error_text(int number) {
  const char* text = strerrordesc_np(number);
  return text != nullptr ? std::string(text) : "error " + std::to_string(number);
}

std::string text_of(const std::system_error& error) {
  std::string text = error.what();
  const std::error_code& code = error.code();
  if (code.category() != std::generic_category() && code.category() != std::system_category()) {
    return text;
  }
  const std::string translated = code.message();
  if (text.size() >= translated.size() &&
      text.compare(text.size() - translated.size(), translated.size(), translated) == 0) {
    text.replace(text.size() - translated.size(), translated.size(), error_text(code.value()));
  }
  return text;
}

}  // namespace agones::plugin
