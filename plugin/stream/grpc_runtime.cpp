// SPDX-License-Identifier: Apache-2.0
#include "stream/grpc_runtime.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace agones::plugin {

namespace {

// gRPC's log function has no context argument, so its sinks can only be found globally.
std::mutex g_mutex;
std::vector<GrpcLogSink*> g_sinks;

void forward(gpr_log_func_args* arguments) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  for (GrpcLogSink* sink : g_sinks) {
    sink->grpc_log(arguments->message);
  }
}

}  // namespace

bool grpc_running() {
#ifdef PROC_SHARED_GRPC
  // Not this library's own: it stays mapped, whoever else uses it.
  return false;
#else
  return grpc_is_initialized() != 0;
#endif
}

GrpcLogRegistration::GrpcLogRegistration(GrpcLogSink& sink) : sink_(sink) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  // Before anything else of gRPC runs: it must never write to the host's stderr.
  gpr_set_log_function(forward);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  g_sinks.push_back(&sink_);
}

GrpcLogRegistration::~GrpcLogRegistration() {
  const std::lock_guard<std::mutex> lock(g_mutex);
  g_sinks.erase(std::remove(g_sinks.begin(), g_sinks.end(), &sink_), g_sinks.end());
}

}  // namespace agones::plugin
