// SPDX-License-Identifier: Apache-2.0
// What is gRPC's own, one for the whole library: whether it still runs, and its log.
#pragma once

#include <string>
#include <string_view>

namespace agones::plugin {

// False once nothing of gRPC is in use and its closing down is complete.
bool grpc_running();

// Why the last certificate that was shown under this name was refused, since the last call; empty if none was. gRPC's
// own text is the same for every reason.
std::string pop_certificate_problem(const std::string& name);

// Whether a connection to this target ("ipv4:10.0.0.1:9090") was ended for too many pings, since the last call. The
// status of its calls does not say so.
bool pop_too_many_pings(const std::string& target);

class GrpcLogSink {
 public:
  virtual ~GrpcLogSink() = default;
  // From any thread, gRPC's own among them.
  virtual void grpc_log(std::string_view message) noexcept = 0;
};

// While it lives, gRPC's errors go to the sink. gRPC can't tell whose they are: every sink gets all.
class GrpcLogRegistration {
 public:
  explicit GrpcLogRegistration(GrpcLogSink& sink);
  ~GrpcLogRegistration();
  GrpcLogRegistration(const GrpcLogRegistration&) = delete;
  GrpcLogRegistration& operator=(const GrpcLogRegistration&) = delete;

 private:
  GrpcLogSink& sink_;
};

}  // namespace agones::plugin
