// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace agones::test {

// A folder of certificates made by the openssl program: NAME.pem, NAME.key. Deleted by the destructor.
class Certificates {
 public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  std::string path(const std::string& file) const { return folder_ + "/" + file; }
  std::string read(const std::string& file) const;

  // Throw std::runtime_error with openssl's words.
  void make_ca(const std::string& name) const;
  // For the host and 127.0.0.1. `days` 0: expired.
  void make_certificate(const std::string& ca, const std::string& name, const std::string& host, int days) const;

 private:
  void run(const std::string& command) const;

  std::string folder_;
};

}  // namespace agones::test
