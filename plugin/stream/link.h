// SPDX-License-Identifier: Apache-2.0
// The way to the processor: finds the replica that serves, holds one stream to it or as many as help, replaces those that
// break or are not pulled. Owns the completion queue; run() is the session's thread.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "stream/connection_status.h"
#include "stream/failure_log.h"
#include "stream/late_stream.h"
#include "stream/link_config.h"
#include "stream/link_handler.h"
#include "stream/open_stream.h"
#include "stream/replica.h"
#include "stream/replica_set.h"
#include "stream/resolver.h"

namespace agones::plugin {

class Link : public OpenStream::Owner {
 public:
  // `engine`: the link's thread is its one caller.
  Link(const LinkConfig& config, Engine& engine, LinkHandler& handler);
  ~Link() override;

  // Runs until the handler is finished; then everything of gRPC that this link used is closed. Whatever fails on the
  // way (memory, a thread, a descriptor), it goes on: it gives up its connections and, after a while, begins anew.
  void run() noexcept;
  // Makes run() take a turn soon. Any thread, any time; nothing once run() has returned.
  void wake() noexcept;
  // What run() waits for, for a message. Any thread.
  std::string closing_on() const;

 private:
  class WakeTag : public CompletionTag {
   public:
    explicit WakeTag(Link& link) : link_(link) {}
    void complete(bool ok) override;

   private:
    Link& link_;
  };

  void on_stream_message(OpenStream& stream, std::string bytes) override;
  void on_stream_closed(OpenStream& stream, const grpc::Status& status) override;

  // One turn of run(); false at the end.
  bool turn();
  // After a failure of this process's own: nothing that is held can be trusted.
  void begin_anew(const char* reason) noexcept;
  void wait_for_event(TimePoint until);
  void give_up_streams() noexcept;
  // As the processor expects it; each is cancelled if it does not end soon.
  void end_streams(TimePoint now) noexcept;
  // For when a failure must not lead to the next one at once.
  void wait_for_event_after_failure(TimePoint until) noexcept;
  TimePoint manage(TimePoint now);
  TimePoint manage_addresses(TimePoint now);
  void use_resolution(Resolution resolution);
  TimePoint manage_replicas(TimePoint now);
  TimePoint manage_streams(TimePoint now);
  TimePoint watch_streams(TimePoint now);
  TimePoint open_first_stream(TimePoint now);
  TimePoint open_further_streams(TimePoint now);
  void close_idle_stream(TimePoint now);
  void pulled(OpenStream& stream, TimePoint now);
  void write_batches(TimePoint now);
  void log_batch(const Engine::Batch& batch);
  void open_stream(Replica& replica, TimePoint now);
  void log_opened(const OpenStream& stream);
  // Out of the list.
  std::unique_ptr<OpenStream> remove(const OpenStream& stream);
  // It has ended, or is ended. `useless`: another one on this replica would end alike.
  void lose_stream(OpenStream& stream, const std::string& reason, TimePoint now, bool useless = false);
  // It does not work, but may still bring answers.
  void replace_stream(OpenStream& stream, const std::string& reason, TimePoint now);
  void after_stream(const std::string& target, const std::string& reason, TimePoint now, bool useless);
  TimePoint manage_late_streams(TimePoint now);
  bool any_stream_on(const std::string& target) const;
  // One that works; null if there is none.
  const OpenStream* pulled_stream() const;
  StreamsStatus streams_status() const;
  void update_connection(TimePoint now);
  void forget_failures_of_others();
  void log_failure(const std::string& what, const std::string& reason, const std::string& related = {});
  void close_all();

  const LinkConfig config_;
  Engine& engine_;
  LinkHandler& handler_;

  // Gone when run() has returned: gRPC may then be closed down.
  std::unique_ptr<grpc::CompletionQueue> queue_;
  // Never connected. gRPC has an event engine, with threads and descriptors of its own, while there is any channel;
  // made anew later, when the process may be short of both, it ends the process.
  std::shared_ptr<grpc::Channel> engine_keeper_;
  WakeTag wake_tag_{*this};
  std::unique_ptr<grpc::Alarm> alarm_;
  std::atomic<bool> wake_pending_{false};
  std::mutex wake_mutex_;

  Graveyard graveyard_;
  Resolver resolver_;
  TimePoint next_resolution_{};
  std::string resolution_problem_;
  ReplicaSet<Replica> replicas_;

  std::vector<std::unique_ptr<OpenStream>> streams_;  // those that opened first come first
  std::uint64_t last_number_ = 0;
  std::vector<std::unique_ptr<LateStream>> late_streams_;
  Backoff stream_backoff_;
  TimePoint next_stream_{};
  TimePoint next_further_stream_{};

  std::optional<ConnectionStatus> status_;  // as it was told last
  // Of the last stream, until one is pulled.
  std::string stream_problem_;
  std::string stream_target_;
  FailureLog failures_;
  Backoff failure_backoff_;
  std::uint32_t seed_;
  std::atomic<bool> closing_{false};
};

}  // namespace agones::plugin
