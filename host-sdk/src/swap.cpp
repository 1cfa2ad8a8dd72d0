// SPDX-License-Identifier: Apache-2.0
#include "agones/swap.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "agones/client.hpp"
#include "generation.h"
#include "owned_config.h"

namespace agones {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// While a swap runs, poll() waits no longer than this at a time.
constexpr milliseconds kSwapStep{2};

}  // namespace

class SwapClient::Impl : public Generation::Listener {
 public:
  Impl(const std::string& path, const proc_config& config, const Options& options)
      : config_(config),
        options_(options),
        current_(std::make_shared<Generation>(Plugin::load(path, options.plugin), config_.get(), *this)) {}

  ~Impl() override { shutdown(milliseconds(0)); }

  proc_status allocate(const proc_request& request, std::uint64_t* id, std::string* error) {
    Entry entry;
    entry.user_data = request.user_data;
    const std::uint64_t own_id = add(entry);
    proc_request own = request;
    own.user_data = reinterpret_cast<void*>(own_id);
    std::array<char, 512> text{};
    while (true) {
      const std::shared_ptr<Generation> generation = current();
      std::uint64_t plugin_id = 0;
      const proc_status status =
          generation->api().allocate(generation->client(), &own, &plugin_id, text.data(), text.size());
      if (status == PROC_OK) {
        attach(own_id, generation, plugin_id);
        if (id != nullptr) {
          *id = own_id;
        }
        return status;
      }
      // A swap came between: the new plugin takes it.
      if (status == PROC_ERR_SHUT_DOWN && generation != current()) {
        continue;
      }
      forget(own_id);
      if (error != nullptr) {
        *error = text.data();
      }
      return status;
    }
  }

  proc_status cancel(std::uint64_t id) {
    std::shared_ptr<Generation> generation;
    std::uint64_t plugin_id = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (id == 0 || id > last_id_) {
        return PROC_ERR_NOT_FOUND;
      }
      const auto found = entries_.find(id);
      if (found == entries_.end()) {
        return PROC_OK;  // ended already
      }
      found->second.cancelled = true;
      generation = found->second.generation.lock();
      plugin_id = found->second.plugin_id;
    }
    // Without one it is on its way between two plugins: it is cancelled when it arrives.
    return generation != nullptr ? generation->api().cancel(generation->client(), plugin_id) : PROC_OK;
  }

  proc_status poll(std::uint32_t max_events, microseconds budget, milliseconds wait, std::uint32_t* delivered) {
    std::thread::id holder;
    if (!poller_.compare_exchange_strong(holder, std::this_thread::get_id())) {
      return holder == std::this_thread::get_id() ? PROC_ERR_IN_CALLBACK : PROC_ERR_BUSY;
    }
    const std::unique_ptr<std::atomic<std::thread::id>, PollEnd> end(&poller_);
    delivered_ = 0;
    const bool swapping = phase_ != Phase::kIdle || wanted();
    if (swapping) {
      step(max_events, budget);
      wait = wait.count() < 0 ? kSwapStep : std::min(wait, kSwapStep);
    }
    const std::shared_ptr<Generation> generation = current();
    const proc_status status =
        generation->api().poll(generation->client(), max_events, static_cast<std::uint32_t>(budget.count()),
                               static_cast<std::int32_t>(delivered_ != 0 ? 0 : wait.count()), nullptr);
    if (delivered != nullptr) {
      *delivered = delivered_;
    }
    return status;
  }

  bool swap(const std::string& path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (report_.state == SwapReport::State::kRunning) {
      return false;
    }
    wanted_path_ = path;
    report_ = {};
    report_.state = SwapReport::State::kRunning;
    report_.from_version = current_->version();
    return true;
  }

  SwapReport report() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return report_;
  }

  void shutdown(milliseconds timeout) {
    if (shut_down_) {
      return;
    }
    shut_down_ = true;
    if (loading_.valid()) {
      loading_.wait();
    }
    candidate_.reset();
    for (const auto& generation : {old_, current()}) {
      if (generation != nullptr) {
        generation->api().shutdown(generation->client(), static_cast<std::uint32_t>(timeout.count()), nullptr, 0);
      }
    }
    for (const Parked& parked : parked_) {
      deliver_unsent(parked, PROC_OUTCOME_SHUTDOWN);
    }
    parked_.clear();
    if (closing_.valid()) {
      closing_.wait();
    }
  }

  std::string plugin_version() const { return current()->version(); }
  proc_connection_state connection() const { return current()->connection(); }
  proc_stats stats() const { return current()->stats(); }

 private:
  // Lets the next poll() in, also after an exception.
  struct PollEnd {
    void operator()(std::atomic<std::thread::id>* poller) const { poller->store({}); }
  };

  enum class Phase { kIdle, kLoading, kProving, kDraining, kReleasing, kClosing, kGivingUp };

  struct Entry {
    void* user_data = nullptr;
    std::weak_ptr<Generation> generation;
    std::uint64_t plugin_id = 0;
    std::uint64_t latency_before_us = 0;  // on plugins that were replaced
    bool cancelled = false;
  };

  // A request between two plugins: the new one's queue was full.
  struct Parked {
    std::uint64_t id;
    std::string bytes;
    Clock::time_point deadline;
  };

  std::shared_ptr<Generation> current() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return current_;
  }

  bool wanted() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return !wanted_path_.empty();
  }

  std::uint64_t add(const Entry& entry) {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.emplace(++last_id_, entry);
    return last_id_;
  }

  void forget(std::uint64_t id) {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.erase(id);
  }

  // The result may have come, and the entry gone, before this.
  void attach(std::uint64_t id, const std::shared_ptr<Generation>& generation, std::uint64_t plugin_id) {
    bool cancelled = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = entries_.find(id);
      if (found == entries_.end()) {
        return;
      }
      // A request that was moved in the meantime belongs to the newer plugin.
      if (found->second.generation.lock() == nullptr || generation == current_) {
        found->second.generation = generation;
        found->second.plugin_id = plugin_id;
      }
      cancelled = found->second.cancelled;
    }
    if (cancelled) {
      generation->api().cancel(generation->client(), plugin_id);
    }
  }

  // ---- The swap, step by step, on the polling thread ----

  void step(std::uint32_t max_events, microseconds budget) {
    switch (phase_) {
      case Phase::kIdle:
        return start_loading();
      case Phase::kLoading:
        return finish_loading();
      case Phase::kProving:
        return prove();
      case Phase::kDraining:
        return drain(max_events, budget);
      case Phase::kReleasing:
        return release();
      case Phase::kClosing:
        return finish_closing();
      case Phase::kGivingUp:
        return finish_giving_up();
    }
  }

  void start_loading() {
    std::string path;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      path.swap(wanted_path_);
    }
    loading_ = std::async(std::launch::async, [path, plugin = options_.plugin] { return Plugin::load(path, plugin); });
    phase_ = Phase::kLoading;
  }

  void finish_loading() {
    if (loading_.wait_for(milliseconds(0)) != std::future_status::ready) {
      return;
    }
    try {
      candidate_ = std::make_shared<Generation>(loading_.get(), config_.get(), *this);
      prove_until_ = Clock::now() + options_.ready_timeout;
      phase_ = Phase::kProving;
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }

  void prove() {
    candidate_->api().poll(candidate_->client(), 0, 0, 0, nullptr);
    const bool good =
        candidate_->connection() == PROC_CONNECTION_SERVING || current()->connection() != PROC_CONNECTION_SERVING;
    if (good) {
      switch_over();
    } else if (Clock::now() >= prove_until_) {
      std::array<char, 256> reason{};
      proc_connection_state state = 0;
      candidate_->api().get_connection(candidate_->client(), &state, reason.data(), reason.size());
      fail("the new plugin is not serving after " + std::to_string(options_.ready_timeout.count()) + " ms" +
           (reason[0] == '\0' ? "" : std::string(": ") + reason.data()));
    }
  }

  void fail(const std::string& problem) {
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.error = problem;
    if (candidate_ == nullptr) {
      report_.state = SwapReport::State::kFailed;
      phase_ = Phase::kIdle;
      return;
    }
    candidate_->mute();
    // Not this thread closes it. Before the next swap may begin it is gone.
    closing_ = std::async(std::launch::async, [gone = std::move(candidate_)] { return gone->close(); });
    phase_ = Phase::kGivingUp;
  }

  void finish_giving_up() {
    if (closing_.wait_for(milliseconds(0)) != std::future_status::ready) {
      return;
    }
    closing_.get();
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.state = SwapReport::State::kFailed;
    phase_ = Phase::kIdle;
  }

  void switch_over() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      old_ = std::exchange(current_, std::move(candidate_));
      candidate_.reset();
      report_.to_version = current_->version();
    }
    switched_ = Clock::now();
    drain_until_ = switched_ + options_.drain_timeout;
    old_->api().drain(old_->client(), PROC_DRAIN_RETURN_UNSENT);
    phase_ = Phase::kDraining;
  }

  void drain(std::uint32_t max_events, microseconds budget) {
    old_->api().poll(old_->client(), max_events, static_cast<std::uint32_t>(budget.count()), 0, nullptr);
    move_parked();
    if (Clock::now() >= drain_until_) {
      // What the processor has not answered by now ends here.
      old_->api().shutdown(old_->client(), 0, nullptr, 0);
    } else if (!old_->exhausted()) {
      return;
    }
    phase_ = Phase::kReleasing;
  }

  // A host thread may still be inside the old plugin's proc_allocate.
  void release() {
    move_parked();
    old_->api().poll(old_->client(), 0, 0, 0, nullptr);
    if (old_.use_count() > 1) {
      return;
    }
    old_->mute();
    closing_ = std::async(std::launch::async, [gone = std::move(old_)] { return gone->close(); });
    old_.reset();
    phase_ = Phase::kClosing;
  }

  void finish_closing() {
    move_parked();
    if (closing_.wait_for(milliseconds(0)) != std::future_status::ready || !parked_.empty()) {
      return;
    }
    const std::string kept = closing_.get();
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.state = SwapReport::State::kDone;
    report_.unloaded = kept.empty();
    report_.error = kept;
    phase_ = Phase::kIdle;
  }

  // ---- Events ----

  void on_event(Generation& generation, const proc_event& event) override {
    // A plugin on trial speaks through its log alone.
    if (event.type == PROC_EVENT_CONNECTION && &generation != current().get()) {
      return;
    }
    if (event.type == PROC_EVENT_RESULT) {
      on_result(generation, event);
      return;
    }
    proc_event own = event;
    if (event.type == PROC_EVENT_ORPHAN) {
      const auto found = generation.late.find(event.request_id);
      own.request_id = found == generation.late.end() ? 0 : found->second;
      generation.late.erase(event.request_id);
    }
    deliver(own);
  }

  void on_log(const proc_log& log) override {
    ++delivered_;
    config_.get().on_log(config_.get().log_context, &log);
  }

  void on_result(Generation& generation, const proc_event& event) {
    const auto id = reinterpret_cast<std::uint64_t>(event.user_data);
    const bool from_old = old_.get() == &generation;
    if (from_old && !shut_down_ && event.outcome == PROC_OUTCOME_SHUTDOWN && event.delivery == PROC_DELIVERY_NOT_SENT) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        entries_[id].latency_before_us += event.latency_us;
      }
      move({id, std::string(static_cast<const char*>(event.request.data), event.request.size),
            Clock::now() + milliseconds(event.remaining_ms)});
      return;
    }
    proc_event own = event;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      report_.drained += from_old ? 1 : 0;
      const auto found = entries_.find(id);
      own.user_data = found->second.user_data;
      own.latency_us += found->second.latency_before_us;
      entries_.erase(found);
    }
    own.request_id = id;
    if (event.delivery == PROC_DELIVERY_UNKNOWN) {
      generation.late.emplace(event.request_id, id);
    }
    deliver(own);
  }

  void deliver(const proc_event& event) {
    ++delivered_;
    if (config_.get().on_event != nullptr) {
      config_.get().on_event(config_.get().event_context, &event);
    }
  }

  // ---- Moving requests to the new plugin ----

  void move(Parked parked) {
    if (!try_move(parked)) {
      parked_.push_back(std::move(parked));
    }
  }

  void move_parked() {
    while (!parked_.empty() && try_move(parked_.front())) {
      parked_.pop_front();
    }
  }

  // False if it must wait.
  bool try_move(const Parked& parked) {
    const auto left = std::chrono::ceil<milliseconds>(parked.deadline - Clock::now());
    if (left.count() <= 0) {
      deliver_unsent(parked, PROC_OUTCOME_TIMEOUT);
      return true;
    }
    const std::shared_ptr<Generation> generation = current();
    proc_request request{};
    request.struct_size = sizeof(request);
    request.format = PROC_FORMAT_PROTOBUF;
    request.body = {parked.bytes.data(), parked.bytes.size()};
    request.user_data = reinterpret_cast<void*>(parked.id);
    request.timeout_ms = static_cast<std::uint32_t>(left.count());
    std::uint64_t plugin_id = 0;
    const proc_status status = generation->api().allocate(generation->client(), &request, &plugin_id, nullptr, 0);
    if (status == PROC_ERR_QUEUE_FULL || status == PROC_ERR_NO_MEMORY) {
      return false;
    }
    if (status != PROC_OK) {
      deliver_unsent(parked, PROC_OUTCOME_SHUTDOWN);
      return true;
    }
    attach(parked.id, generation, plugin_id);
    const std::lock_guard<std::mutex> lock(mutex_);
    ++report_.moved;
    report_.longest_gap =
        std::max(report_.longest_gap, std::chrono::duration_cast<microseconds>(Clock::now() - switched_));
    return true;
  }

  // An event of this object's own: no plugin holds the request.
  void deliver_unsent(const Parked& parked, proc_outcome outcome) {
    proc_event event{};
    event.struct_size = sizeof(event);
    event.type = PROC_EVENT_RESULT;
    event.request_id = parked.id;
    event.outcome = outcome;
    event.delivery = PROC_DELIVERY_NOT_SENT;
    event.request = {parked.bytes.data(), parked.bytes.size()};
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = entries_.find(parked.id);
      event.user_data = found->second.user_data;
      event.latency_us = found->second.latency_before_us;
      entries_.erase(found);
    }
    deliver(event);
  }

  const OwnedConfig config_;
  const Options options_;

  mutable std::mutex mutex_;
  std::shared_ptr<Generation> current_;
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::uint64_t last_id_ = 0;
  std::string wanted_path_;
  SwapReport report_;

  // The polling thread's.
  std::atomic<std::thread::id> poller_{};
  std::uint32_t delivered_ = 0;
  Phase phase_ = Phase::kIdle;
  std::future<std::shared_ptr<Plugin>> loading_;
  std::shared_ptr<Generation> candidate_;
  std::shared_ptr<Generation> old_;
  std::future<std::string> closing_;
  std::deque<Parked> parked_;
  Clock::time_point prove_until_{};
  Clock::time_point switched_{};
  Clock::time_point drain_until_{};
  bool shut_down_ = false;
};

SwapClient::SwapClient(const std::string& plugin_path, const proc_config& config, const Options& options)
    : impl_(std::make_unique<Impl>(plugin_path, config, options)) {}

SwapClient::~SwapClient() = default;

proc_config SwapClient::default_config(const std::string& plugin_path, const PluginOptions& options) {
  proc_config config;
  const proc_status status =
      Plugin::load(plugin_path, options)->api().config_init(PROC_ABI_VERSION, &config, sizeof(config));
  if (status != PROC_OK) {
    throw Error(status, "the plugin refuses this host's ABI version");
  }
  return config;
}

proc_status SwapClient::allocate(const proc_request& request, std::uint64_t* id, std::string* error) {
  return impl_->allocate(request, id, error);
}

proc_status SwapClient::cancel(std::uint64_t id) {
  return impl_->cancel(id);
}

proc_status SwapClient::poll(std::uint32_t max_events, microseconds budget, milliseconds wait,
                             std::uint32_t* delivered) {
  return impl_->poll(max_events, budget, wait, delivered);
}

bool SwapClient::swap(const std::string& plugin_path) {
  return impl_->swap(plugin_path);
}

SwapReport SwapClient::report() const {
  return impl_->report();
}

void SwapClient::shutdown(milliseconds timeout) {
  impl_->shutdown(timeout);
}

std::string SwapClient::plugin_version() const {
  return impl_->plugin_version();
}

proc_connection_state SwapClient::connection() const {
  return impl_->connection();
}

proc_stats SwapClient::stats() const {
  return impl_->stats();
}

}  // namespace agones
