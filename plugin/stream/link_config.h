// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "contract/config_numbers.h"
#include "stream/backoff.h"
#include "stream/endpoint.h"
#include "stream/transport.h"

namespace agones::plugin {

struct LinkConfig {
  std::string client_id;  // unique to this client; the link adds the stream's number
  std::vector<Endpoint> endpoints;
  TransportConfig transport;
  Backoff::Config backoff;
  milliseconds pull_timeout{default_of(config_number::pull_timeout_ms)};
  milliseconds answer_timeout{default_of(config_number::answer_timeout_ms)};
  std::uint32_t seed = 1;  // of the jitter
};

}  // namespace agones::plugin
