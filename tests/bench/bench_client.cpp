// SPDX-License-Identifier: Apache-2.0
// One measured client: bench-client KIND ADDRESS REQUESTS IN_FLIGHT, KIND is plugin or bare. Keeps IN_FLIGHT requests
// under way until REQUESTS have ended, and prints one line of JSON.
//
// `bare` is the least that a C++ program can do with gRPC: it builds Protobuf messages, writes a batch for a pull,
// reads the answers. No deadlines, no table of requests, no callbacks, one thread.
#include <allocation/processor.grpc.pb.h>
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "support/plugin.h"

namespace agones::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kBatchSize = 100;
constexpr std::uint64_t kMostUnanswered = 64;

// About 170 bytes: namespace, two labels, one metadata label, one annotation.
void fill(allocation::AllocationRequest& request) {
  request.set_namespace_("default");
  auto& labels = *request.add_gameserverselectors()->mutable_matchlabels();
  labels["agones.dev/fleet"] = "local";
  labels["agones.dev/sdk-gs-session-ready"] = "true";
  (*request.mutable_metadata()->mutable_labels())["mode"] = "team-deathmatch";
  (*request.mutable_metadata()->mutable_annotations())["session"] = "0123456789abcdef0123456789abcdef";
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

// Starts when the client is connected, with nothing asked for yet.
class Measurement {
 public:
  void print(const char* kind, std::uint64_t requests, std::uint64_t in_flight) const {
    const double cpu = cpu_seconds() - cpu_;
    const std::chrono::duration<double> time = Clock::now() - start_;
    std::printf(
        "{\"kind\":\"%s\",\"requests\":%llu,\"inFlight\":%llu,\"cpuUs\":%.3f,\"perSecond\":%.0f,"
        "\"bytesPerPending\":%.0f}\n",
        kind, static_cast<unsigned long long>(requests), static_cast<unsigned long long>(in_flight),
        cpu * 1e6 / static_cast<double>(requests), static_cast<double>(requests) / time.count(),
        static_cast<double>(peak_bytes() - idle_) / static_cast<double>(in_flight));
  }

 private:
  double cpu_ = cpu_seconds();
  Clock::time_point start_ = Clock::now();
  std::size_t idle_ = peak_bytes();
};

void run_plugin(const std::string& address, std::uint64_t requests, std::uint64_t in_flight) {
  struct State {
    const Api* api;
    proc_client* client = nullptr;
    proc_request request{};
    std::uint64_t submitted = 0;
    std::uint64_t ended = 0;
    std::uint64_t requests = 0;
    void submit() {
      if (submitted < requests && api->allocate(client, &request, nullptr, nullptr, 0) == PROC_OK) {
        ++submitted;
      }
    }
  } state;
  state.api = &plugin();
  state.requests = requests;
  proc_config config = plaintext_config(address);
  config.max_pending_requests = 1 << 22;
  config.allocation_timeout_ms = 600'000;
  config.on_event = [](void* self, const proc_event* event) {
    auto& now = *static_cast<State*>(self);
    if (event->type == PROC_EVENT_RESULT) {
      ++now.ended;
      now.submit();
    }
  };
  config.event_context = &state;
  char error[256] = "";
  if (state.api->init(&config, &state.client, error, sizeof(error)) != PROC_OK) {
    throw std::runtime_error(error);
  }
  proc_connection_state connection = 0;
  while (connection != PROC_CONNECTION_SERVING) {
    state.api->poll(state.client, 0, 0, 10, nullptr);
    state.api->get_connection(state.client, &connection, nullptr, 0);
  }
  allocation::AllocationRequest message;
  fill(message);
  const std::string body = message.SerializeAsString();
  state.request.struct_size = sizeof(state.request);
  state.request.body = {body.data(), body.size()};
  const Measurement measurement;
  for (std::uint64_t i = 0; i < in_flight; ++i) {
    state.submit();
  }
  while (state.ended < requests) {
    state.api->poll(state.client, 0, 0, 100, nullptr);
  }
  measurement.print("plugin", requests, in_flight);
  state.api->shutdown(state.client, 0, nullptr, 0);
  state.api->destroy(state.client);
}

void run_bare(const std::string& address, std::uint64_t requests, std::uint64_t in_flight) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  const auto stub = allocation::Processor::NewStub(channel);
  grpc::ClientContext context;
  const auto stream = stub->StreamBatches(&context);
  allocation::ProcessorMessage message;
  message.set_client_id("bare");
  stream->Write(message);
  allocation::ProcessorMessage incoming;
  stream->Read(&incoming);  // a pull: registered
  const Measurement measurement;
  std::uint64_t waiting = std::min(in_flight, requests);
  std::uint64_t submitted = waiting;
  std::uint64_t pulled = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t ended = 0;
  std::uint64_t next_id = 0;
  std::uint64_t next_batch = 0;
  while (ended < requests && stream->Read(&incoming)) {
    if (incoming.has_batch_response()) {
      const auto answers = static_cast<std::uint64_t>(incoming.batch_response().responses_size());
      ended += answers;
      --unanswered;
      const std::uint64_t more = std::min(answers, requests - submitted);
      waiting += more;
      submitted += more;
    } else {
      pulled = waiting;
    }
    // Bounded, or both sides would end up writing and neither reading.
    while (pulled > 0 && unanswered < kMostUnanswered) {
      allocation::ProcessorMessage batch;
      batch.set_client_id("bare");
      batch.mutable_batch_request()->set_batch_id(std::to_string(++next_batch));
      for (std::uint64_t i = 0; i < kBatchSize && pulled > 0; ++i, --pulled, --waiting) {
        auto* wrapper = batch.mutable_batch_request()->add_requests();
        wrapper->set_request_id(std::to_string(++next_id));
        fill(*wrapper->mutable_request());
      }
      stream->Write(batch);
      ++unanswered;
    }
  }
  measurement.print("bare", requests, in_flight);
  context.TryCancel();
}

}  // namespace
}  // namespace agones::test

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: bench-client plugin|bare ADDRESS REQUESTS IN_FLIGHT\n";
    return 2;
  }
  const std::string kind = argv[1];
  const std::uint64_t requests = std::stoull(argv[3]);
  const std::uint64_t in_flight = std::stoull(argv[4]);
  try {
    if (kind == "plugin") {
      agones::test::run_plugin(argv[2], requests, in_flight);
    } else {
      agones::test::run_bare(argv[2], requests, in_flight);
    }
  } catch (const std::exception& error) {
    std::cerr << "bench-client: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
