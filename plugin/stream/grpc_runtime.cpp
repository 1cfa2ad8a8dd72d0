// SPDX-License-Identifier: Apache-2.0
#include "stream/grpc_runtime.h"

#include <grpc/grpc.h>
#include <grpc/support/cpu.h>
#include <grpc/support/log.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace agones::plugin {

namespace {

// gRPC's log function has no context argument, so its sinks can only be found globally.
std::mutex g_mutex;
// A few slots, not a container: a process that exits with clients alive must not destroy it under them.
constexpr std::size_t kMostSinks = 256;
std::array<GrpcLogSink*, kMostSinks> g_sinks{};

constexpr unsigned kCores = 2;

void forward(gpr_log_func_args* arguments) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  for (GrpcLogSink* sink : g_sinks) {
    if (sink != nullptr) {
      sink->grpc_log(arguments->message);
    }
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
  // With every slot taken, the others report.
  if (auto* const free = std::find(g_sinks.begin(), g_sinks.end(), nullptr); free != g_sinks.end()) {
    *free = &sink_;
  }
}

GrpcLogRegistration::~GrpcLogRegistration() {
  const std::lock_guard<std::mutex> lock(g_mutex);
  std::replace(g_sinks.begin(), g_sinks.end(), &sink_, static_cast<GrpcLogSink*>(nullptr));
}

}  // namespace agones::plugin

// What gRPC is kept from. The link line sends its calls here (--wrap).
// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {

// How many cores it believes that it has: it keeps a thread for each, up to 32, and the plugin has no use for them.
unsigned __real_gpr_cpu_current_cpu();

unsigned __wrap_gpr_cpu_num_cores() {
  return agones::plugin::kCores;
}

// Always one of those.
unsigned __wrap_gpr_cpu_current_cpu() {
  return __real_gpr_cpu_current_cpu() % agones::plugin::kCores;
}

// To poll channels now and then from a timer, in case that nobody does: the link's thread polls them all the time, and
// the timer would cost a thread. These are gRPC's internal names; with others it has that thread again, no more.
void __wrap__Z40grpc_client_channel_start_backup_pollingP16grpc_pollset_set(void* /*channel*/) {}

void __wrap__Z39grpc_client_channel_stop_backup_pollingP16grpc_pollset_set(void* /*channel*/) {}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
