// SPDX-License-Identifier: Apache-2.0
// Where the system keeps the authorities that it trusts. gRPC and OpenSSL are built for one distribution's layout; the plugin runs on others.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace agones::plugin {

// The files that may hold them, the first that is there counts: what the environment's GRPC_DEFAULT_SSL_ROOTS_FILE_PATH and
// SSL_CERT_FILE name, then those of the distributions.
std::vector<std::string> system_ca_files(const std::function<const char*(const char* variable)>& environment);

// The certificates, as PEM text, in the folders that the environment's SSL_CERT_DIR names, separated by colons; they are trusted
// beside those of the file, as by OpenSSL and Go.
std::string system_ca_folders(const std::function<const char*(const char* variable)>& environment);

// The first of `files` that can be read and is not empty, or an empty text.
std::string first_readable(const std::vector<std::string>& files);

}  // namespace agones::plugin
