// SPDX-License-Identifier: Apache-2.0
// Load and memory.
//
// `bare` is the least that a C++ program can do with gRPC on the processor's stream: it builds Protobuf messages,
// writes batches for a pull, reads the answers. No deadlines, no table of requests, no callbacks, one thread.
#include <algorithm>
#include <stdexcept>

#include "bench/bare_stream.h"
#include "bench/measure.h"
#include "bench/modes.h"
#include "bench/plugin_host.h"
#include "bench/unary_client.h"

namespace agones::test {

namespace {

using nlohmann::json;

// Of the bare loop. Unbounded, both sides would end up writing and neither reading.
constexpr std::uint64_t kBatchSize = 100;
constexpr std::uint64_t kMostUnanswered = 4;

// Starts when the client is connected, with nothing asked for yet.
class Measurement {
 public:
  json result(const BenchOptions& options) const {
    const double cpu = cpu_seconds() - cpu_;
    return {{"requests", options.requests},
            {"inFlight", options.in_flight},
            {"cpuUs", cpu * 1e6 / static_cast<double>(options.requests)},
            {"perSecond", static_cast<double>(options.requests) / seconds_since(start_)},
            {"bytesPerPending", static_cast<double>(peak_bytes() - idle_) / static_cast<double>(options.in_flight)}};
  }

 private:
  double cpu_ = cpu_seconds();
  Clock::time_point start_ = Clock::now();
  std::size_t idle_ = peak_bytes();
};

json load_plugin(const BenchOptions& options, bool encoding) {
  PluginHost host(
      options.address, [&](proc_config& config) { set_batches(options, config); }, api_of(options.client));
  std::uint64_t submitted = 0;
  const auto submit = [&] {
    if (submitted == options.requests) {
      return;
    }
    ++submitted;
    if (encoding) {
      host.submit(encoded_request());
    } else {
      host.submit();
    }
  };
  if (options.client == "json") {
    host.use_json();
  }
  host.on_result = [&](const proc_event&) { submit(); };
  host.wait_until_serving();
  const Measurement measurement;
  for (std::uint64_t i = 0; i < options.in_flight; ++i) {
    submit();
  }
  while (host.ended < options.requests) {
    host.poll(100);
  }
  json result = measurement.result(options);
  const proc_stats stats = host.stats();
  result["batches"] = stats.batches_sent;
  result["streams"] = stats.streams;
  return result;
}

json load_bare(const BenchOptions& options) {
  const std::uint64_t batch_size = options.max_batch_size != 0 ? options.max_batch_size : kBatchSize;
  const std::uint64_t most_unanswered =
      options.max_unanswered_batches != 0 ? options.max_unanswered_batches : kMostUnanswered;
  BareStream stream(options.address);
  allocation::ProcessorMessage incoming;
  stream->Read(&incoming);  // a pull: registered
  const Measurement measurement;
  std::uint64_t waiting = std::min(options.in_flight, options.requests);
  std::uint64_t submitted = waiting;
  std::uint64_t pulled = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t ended = 0;
  std::uint64_t next_id = 0;
  std::uint64_t next_batch = 0;
  while (ended < options.requests) {
    if (!stream->Read(&incoming)) {
      throw std::runtime_error("the stream ended: " + stream->Finish().error_message());
    }
    if (incoming.has_batch_response()) {
      const auto answers = static_cast<std::uint64_t>(incoming.batch_response().responses_size());
      ended += answers;
      --unanswered;
      const std::uint64_t more = std::min(answers, options.requests - submitted);
      waiting += more;
      submitted += more;
    } else {
      pulled = waiting;
    }
    while (pulled > 0 && unanswered < most_unanswered) {
      allocation::ProcessorMessage batch;
      batch.set_client_id(BareStream::kClientId);
      batch.mutable_batch_request()->set_batch_id(std::to_string(++next_batch));
      for (std::uint64_t i = 0; i < batch_size && pulled > 0; ++i, --pulled, --waiting) {
        auto* wrapper = batch.mutable_batch_request()->add_requests();
        wrapper->set_request_id(std::to_string(++next_id));
        fill(*wrapper->mutable_request());
      }
      stream->Write(batch);
      ++unanswered;
    }
  }
  return measurement.result(options);
}

json load_unary(const BenchOptions& options) {
  UnaryClient client(options.address);
  const auto never = std::chrono::system_clock::time_point::max();
  client.start();
  client.next(never);  // connected
  const Measurement measurement;
  std::uint64_t submitted = 0;
  for (; submitted < std::min(options.in_flight, options.requests); ++submitted) {
    client.start();
  }
  for (std::uint64_t ended = 0; ended < options.requests; ++ended) {
    client.next(never);
    if (submitted < options.requests) {
      client.start();
      ++submitted;
    }
  }
  return measurement.result(options);
}

}  // namespace

json measure_load(const BenchOptions& options) {
  if (options.client == "plugin" || options.client == "host" || options.client == "json" ||
      options.client == "encoding-plugin") {
    return load_plugin(options, options.client == "encoding-plugin");
  }
  if (options.client == "bare") {
    return load_bare(options);
  }
  if (options.client == "unary") {
    return load_unary(options);
  }
  throw std::runtime_error("no such client: " + options.client);
}

json measure_hold(const BenchOptions& options) {
  // Nobody pulls, and the stream is not to be replaced for it.
  PluginHost host(
      options.address, [](proc_config& config) { config.pull_timeout_ms = 3'600'000; }, api_of(options.client));
  while (host.stats().streams == 0) {
    host.poll(10);
  }
  const std::size_t idle = peak_bytes();
  for (std::uint64_t i = 0; i < options.in_flight; ++i) {
    host.submit();
  }
  // A cancelled one makes the plugin look at them all now.
  host.submit();
  host.api().cancel(host.handle(), options.in_flight + 1, nullptr, 0);
  while (host.ended == 0 || host.stats().unsent < options.in_flight) {
    host.poll(10);
  }
  return {{"inFlight", options.in_flight},
          {"requestBytes", host.body().size()},
          {"bytesPerPending", static_cast<double>(peak_bytes() - idle) / static_cast<double>(options.in_flight)}};
}

}  // namespace agones::test
