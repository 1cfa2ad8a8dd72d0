// SPDX-License-Identifier: Apache-2.0
// The system's errors in English, whatever the language of the process is: strerror and what is built on it speak the host's.
#pragma once

#include <string>
#include <system_error>

namespace agones::plugin {

// Of errno: "No such file or directory".
std::string error_text(int number);

// what(), with the system's part of it in English.
std::string text_of(const std::system_error& error);

}  // namespace agones::plugin
