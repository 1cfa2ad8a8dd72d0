// SPDX-License-Identifier: Apache-2.0
#include "stream/system_ca.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

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

namespace {

constexpr std::size_t kMostBytes = 16U << 20;

// Those of OpenSSL's hash links that lie beside what they name are passed over.
bool is_link_to_neighbour(const std::filesystem::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_symlink(ignored) && !std::filesystem::read_symlink(entry.path(), ignored).has_parent_path();
}

void add_certificates(const std::filesystem::path& file, std::string& all) {
  std::ifstream stream(file, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(stream), {}};
  if (content.find("-----BEGIN ") != std::string::npos && all.size() + content.size() < kMostBytes) {
    all += content + "\n";
  }
}

}  // namespace

std::string system_ca_folders(const std::function<const char*(const char* variable)>& environment) {
  const char* named = environment("SSL_CERT_DIR");
  std::string_view left = named != nullptr ? named : "";
  std::string all;
  while (!left.empty()) {
    const std::string folder(left.substr(0, left.find(':')));
    left.remove_prefix(std::min(left.size(), folder.size() + 1));
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_regular_file(ignored) && !is_link_to_neighbour(*entry)) {
        files.push_back(entry->path());
      }
    }
    std::sort(files.begin(), files.end());
    for (const std::filesystem::path& file : files) {
      add_certificates(file, all);
    }
  }
  return all;
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
