// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "support/temporary_folder.h"

namespace agones::test {

// A folder of certificates made by the openssl program: NAME.pem, NAME.key.
class Certificates {
 public:
  std::string path(const std::string& file) const { return folder_.file(file); }
  std::string read(const std::string& file) const;

  // Throw std::runtime_error with openssl's words.
  void make_ca(const std::string& name) const;
  // For the host and 127.0.0.1. `days` 0: expired.
  void make_certificate(const std::string& ca, const std::string& name, const std::string& host, int days) const;

 private:
  void run(const std::string& command) const;

  TemporaryFolder folder_;
};

}  // namespace agones::test
