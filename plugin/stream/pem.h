// SPDX-License-Identifier: Apache-2.0
// The certificates and the key of the config: read, and looked at before gRPC gets them, which says nothing of what is
// wrong with them.
#pragma once

#include <string>

namespace agones::plugin {

// PEM text, or the file that holds it.
struct PemSource {
  std::string file;
  std::string text;
  bool given() const { return !file.empty() || !text.empty(); }
};

struct PemTexts {
  std::string ca;
  std::string certificate;
  std::string key;
  std::string problem;  // not empty: what is wrong, with the config field's name
};

// Without a `ca`, the system's (stream/system_ca.h).
PemTexts read_pems(const PemSource& ca, const PemSource& certificate, const PemSource& key);

}  // namespace agones::plugin
