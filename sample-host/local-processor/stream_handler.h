// SPDX-License-Identifier: Apache-2.0
// The streams of a processor: registration, pulls, batches, and what goes wrong with them on demand. Each client's runs on a thread
// of gRPC's server.
#pragma once

#include <allocation/processor.grpc.pb.h>
#include <google/protobuf/arena.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "local-processor/allocation_queue.h"
#include "local-processor/faults.h"
#include "local-processor/fleet.h"
#include "local-processor/local_processor.h"
#include "local-processor/registered_stream.h"

namespace agones::local {

class StreamHandler final : public allocation::Processor::Service {
 public:
  StreamHandler(const LocalProcessorOptions& options, std::shared_ptr<Fleet> fleet);
  ~StreamHandler() override;

  // As LocalProcessor's functions of these names.
  void set_serving(bool serving);
  bool serving() const;
  void set_faults(const Faults& faults);
  Faults faults() const;
  std::optional<UpdateTiming> updates() const;
  void set_updates(const UpdateTiming& timing);
  ProcessorCounts counts() const;
  std::vector<LedgerEntry> ledger() const;

  // Sends the pulls until stop().
  void pull(std::chrono::milliseconds interval);
  // Ends all streams, and whatever waits. False if it did before.
  bool stop();

 private:
  // What goes wrong with a batch.
  struct Plan {
    bool drop_before;
    bool drop_after;
    bool twice;
    bool unknown_id;
    bool garbage;
  };

  grpc::Status StreamBatches(grpc::ServerContext* context, Stream* stream) override;
  void add(const std::string& id, const std::shared_ptr<RegisteredStream>& client);
  void remove(const std::string& id);
  bool may_read();
  // These two: false if the stream is to end.
  bool handle_message(const std::string& id, RegisteredStream& client, Stream& stream);
  bool handle_batch(const std::string& id, RegisteredStream& client, const allocation::BatchRequest& batch,
                    google::protobuf::Arena& arena);
  Plan make_plan(const Faults& faults);
  // These three: false if the processor stops meanwhile.
  bool wait_for(std::chrono::milliseconds Faults::*time);
  bool answer_batch(const std::string& id, RegisteredStream& client, const allocation::BatchRequest& batch,
                    const Faults& faults, allocation::BatchResponse& answer);
  bool allocate(const allocation::BatchRequest& batch, const Faults& faults, allocation::BatchResponse& answer,
                std::vector<AllocationResult>& results);
  void note_time(std::chrono::duration<double> time);
  // Called with the fleet's lock held.
  Write fate_of_write();
  bool roll(double rate);

  const std::function<void(const LedgerEntry&)> tell_ledger_;
  const std::shared_ptr<Fleet> fleet_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Faults faults_;
  Dice dice_;
  bool serving_;
  bool stopping_ = false;
  std::map<std::string, std::shared_ptr<RegisteredStream>> clients_;
  ProcessorCounts counts_;
  std::vector<LedgerEntry> ledger_;
  bool decides_writes_ = false;
  std::optional<AllocationQueue> queue_;
};

}  // namespace agones::local
