// SPDX-License-Identifier: Apache-2.0
#include "support/certificates.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace agones::test {

std::string Certificates::read(const std::string& file) const {
  std::ifstream stream(path(file));
  return {std::istreambuf_iterator<char>(stream), {}};
}

void Certificates::run(const std::string& command) const {
  const std::string quiet = "cd '" + folder_.path() + "' && " + command + " >>log 2>&1";
  if (std::system(quiet.c_str()) != 0) {
    throw std::runtime_error(command + "\n" + read("log"));
  }
}

void Certificates::make_ca(const std::string& name) const {
  run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 -subj '/CN=" + name +
      "' -keyout " + name + ".key -out " + name + ".pem");
}

void Certificates::make_certificate(const std::string& ca, const std::string& name, const std::string& host,
                                    int days) const {
  std::ofstream(path(name + ".ext")) << "subjectAltName=DNS:" << host << ",IP:127.0.0.1\n";
  run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=" + host + "' -keyout " + name +
      ".key -out " + name + ".csr");
  run("openssl x509 -req -in " + name + ".csr -CA " + ca + ".pem -CAkey " + ca + ".key -CAcreateserial -days " +
      std::to_string(days == 0 ? -1 : days) + " -extfile " + name + ".ext -out " + name + ".pem");
}

}  // namespace agones::test
