// SPDX-License-Identifier: Apache-2.0
#include "unit/simulation.h"

#include <allocation/processor.pb.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

namespace agones::plugin::test {

namespace {

constexpr Duration kPullInterval = milliseconds(200);
constexpr Duration kOneWay = std::chrono::microseconds(100);
constexpr std::string_view kRequest(
    "\x0a\x07"
    "default");

}  // namespace

TimePoint ConstantRate::done(TimePoint now, std::size_t requests) {
  const auto time = std::chrono::duration<double>(static_cast<double>(requests) / per_second);
  free_ = std::max(free_, now) + std::chrono::duration_cast<Duration>(time);
  return free_ + base_;
}

TimePoint LikeAgones::done(TimePoint now, std::size_t requests) {
  if (gathering_.count() == 0) {
    look_ = now;
  } else if (now > look_) {
    look_ += ((now - look_) / gathering_ + 1) * gathering_;
  }
  TimePoint done = look_;
  for (std::size_t i = 0; i < requests; ++i) {
    done = std::max(done, schedule_.add(look_));
  }
  return done;
}

void Timeline::post(TimePoint at, std::function<void()> action) {
  events_.push({at, ++events_posted_, std::move(action)});
}

bool Timeline::step(TimePoint until) {
  if (events_.empty() || events_.top().at > until) {
    return false;
  }
  const Event event = events_.top();
  events_.pop();
  now_ = event.at;
  event.action();
  return true;
}

void Timeline::run_until(TimePoint time) {
  while (step(time)) {
  }
  now_ = time;
}

Simulation::Simulation(const Engine::Config& config, Work& work, Duration first_pull)
    : Simulation(config, work, std::make_shared<Timeline>(), first_pull) {}

Simulation::Simulation(const Engine::Config& config, Simulation& other, Duration first_pull)
    : Simulation(config, other.work_, other.timeline_, first_pull) {}

Simulation::Simulation(const Engine::Config& config, Work& work, std::shared_ptr<Timeline> timeline,
                       Duration first_pull)
    : work_(work), timeline_(std::move(timeline)) {
  EngineSink& sink = *this;
  engine_ = std::make_unique<Engine>(config, time(), counters_, *metrics_, sink);
  turn();
  at(now() + first_pull, [this] { pull(); });
}

void Simulation::completed(std::unique_ptr<CompletionBlock> block) noexcept {
  for (const Completion& item : block->items) {
    if (item.outcome == 0) {
      continue;  // an orphan
    }
    ++ended_;
    --pending_;
    latencies_.push_back(std::chrono::duration<double, std::milli>(item.ended - item.request->accepted).count());
  }
}

void Simulation::log(LogEntry /*entry*/) noexcept {}

void Simulation::at(Duration time, std::function<void()> action) {
  timeline_->post(kBeginning + time, std::move(action));
}

void Simulation::every(Duration interval, const std::function<void()>& action) {
  at(now() + interval, [this, interval, action] {
    action();
    every(interval, action);
  });
}

void Simulation::submit_one(Duration timeout) {
  RequestPtr request = Request::create(kRequest, {}, 0, time(), time() + timeout);
  request->id = ++last_request_;
  ++pending_;
  engine_->submit(std::move(request));
}

void Simulation::submit(std::size_t count, Duration timeout) {
  for (std::size_t i = 0; i < count; ++i) {
    submit_one(timeout);
  }
  turn();
}

void Simulation::keep_under_way(std::size_t count) {
  target_ = count;
  turn();
}

void Simulation::submit_at_random(double per_second, Duration for_so_long, std::uint32_t seed, Duration timeout) {
  std::mt19937 random(seed);
  std::exponential_distribution<double> pause(per_second);
  std::chrono::duration<double> time(0);
  while ((time += std::chrono::duration<double>(pause(random))) < for_so_long) {
    at(now() + std::chrono::duration_cast<Duration>(time), [this, timeout] { submit(1, timeout); });
  }
}

void Simulation::pull() {
  allocation::ProcessorMessage message;
  message.mutable_pull()->set_message("pull");
  const std::string bytes = message.SerializeAsString();
  for (auto& [stream, pulled] : pulled_) {
    engine_->receive(stream, bytes, time());
    pulled = true;
  }
  turn();
  timeline_->post(time() + kPullInterval, [this] { pull(); });
}

void Simulation::disconnect() {
  pulled_.clear();
  engine_->all_streams_lost("another leader", time());
  turn();
}

// What the session and the link do.
void Simulation::turn() {
  engine_->end_due(time());
  while (pending_ < target_) {
    submit_one(std::chrono::minutes(10));
  }
  while (pulled_.size() < std::max<std::size_t>(1, engine_->streams_wanted(time()))) {
    pulled_[++last_stream_] = false;
    engine_->stream_opened(last_stream_, "client." + std::to_string(last_stream_), time());
  }
  most_streams_ = std::max(most_streams_, pulled_.size());
  if (const auto idle = engine_->idle_stream(time())) {
    engine_->stream_lost(*idle, "idle", time());
    pulled_.erase(*idle);
  }
  bool sent = true;
  while (sent) {
    sent = false;
    for (const auto& [stream, pulled] : pulled_) {
      if (const auto batch = engine_->next_batch(stream, time())) {
        send(stream, *batch);
        sent = true;
      }
    }
  }
  if (engine_->unsent() != 0) {
    wake_at(engine_->next_send(time()));
    wake_at(engine_->more_streams_wanted_at(time()));
  }
}

void Simulation::wake_at(std::optional<TimePoint> at) {
  if (at && *at > time() && *at < wake_) {
    wake_ = *at;
    timeline_->post(*at, [this, wake = *at] {
      if (wake_ == wake) {
        wake_ = TimePoint::max();
        turn();
      }
    });
  }
}

void Simulation::send(std::uint64_t stream, const Engine::Batch& batch) {
  batches_.push_back({std::chrono::duration<double, std::milli>(now()).count(), batch.requests, stream});
  allocation::ProcessorMessage message;
  message.ParseFromString(batch.message);
  allocation::ProcessorMessage answer;
  answer.mutable_batch_response()->set_batch_id(message.batch_request().batch_id());
  for (const auto& wrapper : message.batch_request().requests()) {
    auto* response = answer.mutable_batch_response()->add_responses();
    response->set_request_id(wrapper.request_id());
    response->mutable_response()->set_gameservername("gs");
  }
  timeline_->post(time() + kOneWay, [this, stream, bytes = answer.SerializeAsString(), requests = batch.requests] {
    timeline_->post(work_.done(time(), requests) + kOneWay, [this, stream, bytes] {
      engine_->receive(stream, bytes, time());
      turn();
    });
  });
}

void Simulation::run_until(Duration time) {
  timeline_->run_until(kBeginning + time);
}

void Simulation::run() {
  while (pending_ != 0 && timeline_->step(TimePoint::max())) {
  }
}

std::size_t Simulation::take_ended() {
  return std::exchange(ended_, 0);
}

std::vector<double> Simulation::take_latencies() {
  return std::exchange(latencies_, {});
}

std::vector<Simulation::Sent> Simulation::take_batches() {
  return std::exchange(batches_, {});
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double percentile(std::vector<double> values, double share) {
  const auto index = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[static_cast<std::size_t>(index)];
}

}  // namespace agones::plugin::test
