// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "stream/transport.h"

namespace agones::plugin {

// `target`: "ipv4:10.0.0.1:9090". `host`: the name to expect in the certificate, unless the config names
// another. `authority`: what the processor is told it was called. `keepalive_time`: in place of the config's.
Result make_channel(const TransportConfig& config, const std::string& target, const std::string& host,
                    const std::string& authority, milliseconds keepalive_time, std::shared_ptr<grpc::Channel>& channel);

}  // namespace agones::plugin
