// SPDX-License-Identifier: Apache-2.0
#include "stream/environment.h"

// The link line sends every getenv and secure_getenv of the library here (--wrap): this code's, gRPC's, and in the portable
// build those of OpenSSL, c-ares, abseil and libstdc++.
// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {

char* __real_secure_getenv(const char* variable);

char* __wrap_secure_getenv(const char* variable);
char* __wrap_secure_getenv(const char* /*variable*/) {
  return nullptr;
}

char* __wrap_getenv(const char* variable);
char* __wrap_getenv(const char* /*variable*/) {
  return nullptr;
}

}  // extern "C"

namespace agones::plugin {

const char* environment(const char* variable) {
  return __real_secure_getenv(variable);
}

}  // namespace agones::plugin
// NOLINTEND(bugprone-reserved-identifier)
