// SPDX-License-Identifier: Apache-2.0
// The processor's messages, through the engine: whatever comes, every request ends at most once and what
// is left ends with the stream.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "request/json_message.h"
#include "wire/health.h"
#include "wire/response.h"

namespace {

using namespace agones::plugin;

class Sink : public EngineSink {
 public:
  void completed(std::unique_ptr<CompletionBlock> block) noexcept override {
    for (const Completion& item : block->items) {
      if (item.request != nullptr && !ended.insert(item.request_id).second) {
        std::abort();
      }
      if (item.outcome == PROC_OUTCOME_ALLOCATED || item.request == nullptr) {
        proc_event event{};
        ResponseParts parts;
        read_response(item.payload, event, parts);
        if (is_message(item.payload, allocation_response_schema())) {
          JsonText json;
          write_message(item.payload, allocation_response_schema(), json);
        }
      }
    }
  }
  void log(LogEntry) noexcept override {}
  std::uint64_t unpolled_bytes() const noexcept override { return 0; }

  std::set<std::uint64_t> ended;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kRequests = 20;
  const TimePoint now{};
  Sink sink;
  Counters counters;
  Metrics metrics;
  Engine::Config config;
  config.fixed_batches = true;  // all in one
  Engine engine(config, now, counters, metrics, sink);
  for (std::uint64_t id = 1; id <= kRequests; ++id) {
    RequestPtr request = Request::create("\x0a\x01n", {}, 0, now, now + milliseconds(1000));
    request->id = id;
    engine.submit(std::move(request));
  }
  engine.stream_opened(1, "fuzz", now);
  engine.receive(1, std::string("\x12\x00", 2), now);  // a pull
  engine.next_batch(1, now);
  engine.cancel(3, now);
  const std::string message(reinterpret_cast<const char*>(data), size);
  decode_serving(message);
  engine.receive(1, message, now);
  engine.receive(1, message, now);
  engine.stream_replaced(1, "end", now);
  engine.receive_late(1, message, now);
  engine.receive_late(1, message, now);
  engine.late_stream_closed(1);
  if (sink.ended.size() != kRequests) {
    std::abort();
  }
  return 0;
}
