// SPDX-License-Identifier: Apache-2.0
#include "stream/system_ca.h"

#include <fstream>

namespace agones::plugin {

std::vector<std::string> system_ca_files(const std::function<const char*(const char* variable)>& environment) {
  std::vector<std::string> files;
  for (const char* variable : {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "SSL_CERT_FILE"}) {
    if (const char* file = environment(variable); file != nullptr && *file != '\0') {
      files.emplace_back(file);
    }
  }
  for (const char* file : {
           "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Alpine with ca-certificates
           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL and its like, Fedora, Amazon Linux
           "/etc/pki/tls/certs/ca-bundle.crt",                   // the same, older
           "/etc/ssl/ca-bundle.pem",                             // SUSE
           "/etc/ssl/cert.pem",                                  // Alpine, the BSDs
       }) {
    files.emplace_back(file);
  }
  return files;
}

std::string first_readable(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (std::ifstream stream(file); stream && stream.peek() != std::ifstream::traits_type::eof()) {
      return file;
    }
  }
  return {};
}

}  // namespace agones::plugin
