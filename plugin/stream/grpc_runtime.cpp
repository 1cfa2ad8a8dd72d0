// SPDX-License-Identifier: Apache-2.0
#include "stream/grpc_runtime.h"

#include <grpc/grpc.h>
#include <grpc/support/cpu.h>
#include <grpc/support/log.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#ifdef PROC_OWN_ABSEIL
#include <absl/synchronization/mutex.h>
#endif

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>

namespace agones::plugin {

namespace {

// gRPC's log function has no context argument, so its sinks can only be found globally.
std::mutex g_mutex;
// A few slots, not a container: a process that exits with clients alive must not destroy it under them.
constexpr std::size_t kMostSinks = 256;
std::array<GrpcLogSink*, kMostSinks> g_sinks{};

constexpr unsigned kCores = 2;

// Certificates that were refused lately, found by the name alone: a handshake knows nothing of its channel.
struct RefusedCertificate {
  char name[256];
  long reason;
};
constexpr std::size_t kMostRefused = 16;
std::array<RefusedCertificate, kMostRefused> g_refused{};
std::size_t g_next_refused = 0;

void remember_refused(const char* name, long reason) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  RefusedCertificate& refused = g_refused[g_next_refused++ % kMostRefused];
  std::snprintf(refused.name, sizeof(refused.name), "%s", name);
  refused.reason = reason;
}

// Peers that found that they were pinged too often, lately: "ipv4:10.0.0.1:9090". Only gRPC's log tells.
constexpr std::size_t kMostPinged = 16;
std::array<char[128], kMostPinged> g_pinged{};
std::size_t g_next_pinged = 0;

void remember_pinged(std::string_view message) {
  const std::size_t end = message.find(": ");
  if (message.find("\"too_many_pings\"") != std::string_view::npos && end != std::string_view::npos) {
    std::snprintf(g_pinged[g_next_pinged++ % kMostPinged], sizeof(g_pinged[0]), "%.*s", static_cast<int>(end),
                  message.data());
  }
}

// In gRPC's log the brackets of an IPv6 address are escaped.
bool is_peer(std::string_view logged, std::string_view target) {
  for (const char wanted : target) {
    const std::string_view escaped = wanted == '[' ? "%5B" : wanted == ']' ? "%5D" : "";
    const bool is_escaped = !escaped.empty() && logged.substr(0, escaped.size()) == escaped;
    if (!is_escaped && (logged.empty() || logged.front() != wanted)) {
      return false;
    }
    logged.remove_prefix(is_escaped ? escaped.size() : 1);
  }
  return logged.empty();
}

void forward(gpr_log_func_args* arguments) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  remember_pinged(arguments->message);
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

std::string pop_certificate_problem(const std::string& name) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  std::string problem;
  for (RefusedCertificate& refused : g_refused) {
    if (refused.reason != X509_V_OK && name == refused.name) {
      problem = X509_verify_cert_error_string(refused.reason);
      refused.reason = X509_V_OK;
    }
  }
  return problem;
}

bool pop_too_many_pings(const std::string& target) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  bool found = false;
  for (auto& pinged : g_pinged) {
    if (pinged[0] != '\0' && is_peer(pinged, target)) {
      pinged[0] = '\0';
      found = true;
    }
  }
  return found;
}

GrpcLogRegistration::GrpcLogRegistration(GrpcLogSink& sink) : sink_(sink) {
#ifdef PROC_OWN_ABSEIL
  // Debian's build looks for deadlocks at every lock, which is a tenth of what a batch costs.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
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

int __real_SSL_do_handshake(SSL* ssl);

int __wrap_SSL_do_handshake(SSL* ssl);
int __wrap_SSL_do_handshake(SSL* ssl) {
  const int result = __real_SSL_do_handshake(ssl);
  const long verified = result == 1 ? X509_V_OK : SSL_get_verify_result(ssl);
  const char* name = verified == X509_V_OK ? nullptr : SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) {
    agones::plugin::remember_refused(name, verified);
  }
  return result;
}

// To poll channels now and then from a timer, in case that nobody does: the link's thread polls them all the time, and
// the timer would cost a thread. These are gRPC's internal names; with others it has that thread again, no more.
void __wrap__Z40grpc_client_channel_start_backup_pollingP16grpc_pollset_set(void* /*channel*/) {}

void __wrap__Z39grpc_client_channel_stop_backup_pollingP16grpc_pollset_set(void* /*channel*/) {}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
