// SPDX-License-Identifier: Apache-2.0
// The certificates and the key of the config: read, and looked at before gRPC gets them, which says nothing of what is
// wrong with them.
#pragma once

#include <string>

#include "base/result.h"

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
};

// Without a `ca`, the system's (stream/system_ca.h). What is wrong is told with the config field's name.
Result read_pems(const PemSource& ca, const PemSource& certificate, const PemSource& key, PemTexts& texts);

}  // namespace agones::plugin
