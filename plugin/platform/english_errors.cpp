// SPDX-License-Identifier: Apache-2.0
// What the library says of the system's errors is English, whoever in it says it, gRPC too (linked with --wrap): libc's own
// functions translate it into the language of the process.
#include <netdb.h>

#include <cstddef>
#include <cstring>

namespace {

const char* description(int number) {
  const char* text = strerrordesc_np(number);
  return text != nullptr ? text : "unknown error";
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {

char* __wrap_strerror(int number);
char* __wrap_strerror(int number) {
  return const_cast<char*>(description(number));
}

// GNU's: the text need not be in the buffer.
char* __wrap_strerror_r(int number, char* buffer, std::size_t size);
char* __wrap_strerror_r(int number, char* /*buffer*/, std::size_t /*size*/) {
  return const_cast<char*>(description(number));
}

const char* __wrap_gai_strerror(int number);
const char* __wrap_gai_strerror(int number) {
  switch (number) {
    case EAI_AGAIN:
      return "no name server answered in time (EAI_AGAIN)";
    case EAI_FAIL:
      return "the name server refused to answer (EAI_FAIL)";
    case EAI_NONAME:
      return "the name is not known (EAI_NONAME)";
    case EAI_NODATA:
      return "the name has no address (EAI_NODATA)";
    case EAI_ADDRFAMILY:
      return "the name has no address of this kind (EAI_ADDRFAMILY)";
    case EAI_FAMILY:
      return "no addresses of this kind here (EAI_FAMILY)";
    case EAI_SERVICE:
      return "no such port (EAI_SERVICE)";
    case EAI_MEMORY:
      return "no memory for the look-up (EAI_MEMORY)";
    case EAI_SYSTEM:
      return "the system could not look it up (EAI_SYSTEM)";
    default:
      return "the look-up failed";
  }
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
