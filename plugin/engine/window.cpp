// SPDX-License-Identifier: Apache-2.0
#include "engine/window.h"

#include <algorithm>
#include <cmath>

namespace agones::plugin {

namespace {

constexpr double kLeast = 4;
constexpr double kMost = 1 << 20;
// Batches may take so many times as long as they must: it keeps the processor busy from one to the next, and some of it is
// chance.
constexpr int kAcceptable = 2;
// A round, while it helps; the double every round once so many requests have been answered without a slower one. Before that
// it may be a burst that the processor had saved up for: Kubernetes' clients save 500.
constexpr double kGrowth = 0.1;
constexpr double kBoldest = 1;
constexpr double kBoldestWhereQuick = 8;
constexpr std::size_t kMoreThanABurst = 600;
// Of the part of a batch's time that is too much; once a round.
constexpr double kShrinking = 0.8;
constexpr double kMostShrinking = 0.5;
// A window of which a quarter has batches that take three quarters of the time, or more, is not what makes them long.
constexpr int kQuarter = 4;
// What a batch takes at least is looked at so often, and not before so many could follow each other; less often where it is
// not the window that makes them long.
constexpr milliseconds kLookAgainAtMost{64'000};
constexpr int kLookAgainBatches = 4;
constexpr std::size_t kLeastSamples = 3;
// Gaps between batches. More than is acceptable, so that what takes long by chance does not open streams.
constexpr int kQuick = 3;
constexpr int kLate = 3;  // times as long as usual
// Over all streams batches are spread that get this small by it, but not smaller than that.
constexpr double kSmall = 64;
constexpr double kSmallest = 3;
constexpr milliseconds kLeastPatience{100};
constexpr unsigned kMostProbes = 10;

double ratio(Duration time, Duration to) {
  return static_cast<double>(time.count()) / static_cast<double>(std::max<Duration::rep>(to.count(), 1));
}

}  // namespace

void Window::reset() {
  *this = Window(config_);
}

const Window::Batch* Window::oldest() const {
  const auto found =
      std::find_if(under_way_.begin(), under_way_.end(), [](const Batch& batch) { return !batch.held_up; });
  return found != under_way_.end() ? &*found : nullptr;
}

// What a batch takes: as long as one has been under way that is not answered yet. Of a quick processor it is to be much longer
// than the others: a moment that the machine had no time is nothing.
Duration Window::batch_time(TimePoint now) const {
  const Batch* const batch = oldest();
  const Duration age = batch != nullptr ? now - batch->sent : Duration(0);
  return quick(time_, gap_) && age <= kLate * time_ ? time_ : std::max(time_, age);
}

// A second stream would have little to do.
bool Window::quick(Duration time, Duration gap) const {
  return time_.count() != 0 && time <= kQuick * gap;
}

// How many batches are under way at a time if one goes every `gap`.
std::size_t Window::lanes(TimePoint now, Duration gap) const {
  if (quick(batch_time(now), gap)) {
    return 1;
  }
  return static_cast<std::size_t>(
      std::clamp(std::ceil(ratio(batch_time(now), gap)), 1.0, static_cast<double>(config_.max_streams)));
}

std::size_t Window::streams_wanted(TimePoint now, Duration gap) const {
  return std::min<std::size_t>(lanes(now, gap) + held_up_, config_.max_streams);
}

TimePoint Window::more_wanted_at(TimePoint now, Duration gap) const {
  const Batch* const batch = oldest();
  if (batch == nullptr || streams_wanted(now, gap) >= config_.max_streams) {
    return TimePoint::max();
  }
  const Duration age = quick(batch_time(now), gap) ? std::max(kQuick * gap, kLate * time_)
                                                   : static_cast<Duration::rep>(lanes(now, gap)) * gap;
  return batch->sent + age + Duration(1);
}

std::size_t Window::largest() const {
  const double answers = static_cast<double>(config_.max_answer_bytes) / std::max(answer_bytes_, 1.0);
  return static_cast<std::size_t>(std::clamp(answers, 1.0, static_cast<double>(config_.max_batch_size)));
}

// What one batch gets of the window.
std::size_t Window::share(const Now& now) const {
  const Duration time = batch_time(now.time);
  if (config_.max_streams == 1 || quick(time, now.gap)) {
    return size();
  }
  const std::size_t streams = now.streams > held_up_ ? now.streams - held_up_ : 1;
  if (streams == 1) {
    // The other half for the next one that opens.
    return size() / 2;
  }
  const auto usable = static_cast<double>(streams);
  const double paced = size_ / std::clamp(ratio(time, now.gap), 1.0, usable);
  const double spread = size_ / usable;
  // A slow request holds up its batch, so that small ones are better. Large ones that are a little smaller win nothing.
  return static_cast<std::size_t>(
      std::ceil(now.paced || spread > kSmall ? paced : std::max(spread, std::min(paced, kSmallest))));
}

// Whether an answer must come before there is room worth a batch.
bool Window::full(const Now& now) const {
  if (config_.fixed) {
    return false;
  }
  const bool one_is_enough = quick(batch_time(now.time), now.gap) && under_way_.size() > held_up_;
  return one_is_enough || room() == 0 || room() < std::min(share(now) / 2, now.waiting);
}

Duration Window::patience() const {
  return std::max<Duration>(kLate * time_, kLeastPatience) * (1 << std::min(probes_, kMostProbes));
}

TimePoint Window::opens_at(const Now& now) const {
  return full(now) ? std::max(now.time, last_sign_ + patience()) : now.time;
}

std::size_t Window::batch_size(const Now& now) {
  gap_ = now.gap;
  if (config_.fixed) {
    return largest();
  }
  if (!full(now)) {
    const std::size_t room_for_it = std::min(share(now), room());
    const std::size_t size = std::min(room_for_it, largest());
    cut_ = size < now.waiting;
    limited_ = limited_ || room_for_it < std::min(now.waiting, largest());
    return size;
  }
  limited_ = true;
  if (now.time < last_sign_ + patience()) {
    return 0;
  }
  // Were it slow alone, and not stuck, this would be answered, and tell which of the others are held up.
  ++probes_;
  last_sign_ = now.time;
  cut_ = false;
  return 1;
}

void Window::reserve() {
  if (under_way_.size() == under_way_.capacity()) {
    under_way_.reserve(2 * under_way_.size() + 1);
  }
}

void Window::sent(std::uint64_t stream, std::uint64_t batch, std::size_t requests, TimePoint now) noexcept {
  if (under_way_.empty()) {
    last_sign_ = now;
  }
  busy_ += requests;
  under_way_.push_back({stream, batch, now, requests, busy_, cut_ || 2 * busy_ >= size(), false});
}

void Window::answered(std::uint64_t batch, std::size_t answer_bytes, TimePoint now) noexcept {
  const auto found = std::find_if(under_way_.begin(), under_way_.end(), [&](const Batch& b) { return b.id == batch; });
  if (found == under_way_.end()) {
    return;
  }
  const auto index = static_cast<std::size_t>(found - under_way_.begin());
  const Batch answered = *found;
  hold_up_those_before(index, now);
  forget(index);
  last_sign_ = now;
  probes_ = 0;
  const double bytes = static_cast<double>(answer_bytes) / static_cast<double>(answered.requests);
  answer_bytes_ = std::max(answer_bytes_ * 0.99, bytes);
  if (!answered.held_up) {
    learn(answered, now);
  }
}

void Window::hold_up_those_before(std::size_t index, TimePoint now) {
  for (std::size_t i = 0; i < index; ++i) {
    Batch& batch = under_way_[i];
    if (!batch.held_up && now - batch.sent > 2 * time_) {
      batch.held_up = true;
      busy_ -= batch.requests;
      ++held_up_;
    }
  }
}

void Window::stream_lost(std::uint64_t stream) noexcept {
  for (std::size_t i = under_way_.size(); i > 0; --i) {
    if (under_way_[i - 1].stream == stream) {
      forget(i - 1);
    }
  }
}

void Window::forget(std::size_t index) noexcept {
  if (under_way_[index].held_up) {
    --held_up_;
  } else {
    busy_ -= under_way_[index].requests;
  }
  under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(index));
}

Duration Window::acceptable() const {
  return kAcceptable * std::max(base_, gap_);
}

void Window::learn(const Batch& batch, TimePoint now) {
  const Duration time = now - batch.sent;
  if (time_.count() == 0) {
    time_ = time;
  }
  if (batch.sent >= round_began_) {
    times_[time_count_++] = time;
    const std::size_t usual = std::clamp(2 * lanes(now, gap_), kLeastSamples, kMostSamples);
    if (time_count_ >= (trial_ == Trial::kNone ? usual : kLeastSamples)) {
      end_round(now);
    }
  }
  if (config_.fixed || trial_ != Trial::kNone || (base_.count() == 0 && time > gap_)) {
    return;
  }
  if (time <= acceptable()) {
    grow(batch.requests, time);
  } else if (batch.in_use) {
    shrink(batch, now);
  }
}

void Window::grow(std::size_t requests, Duration time) {
  if (limited_) {
    grew_ = true;
    requests_grown_on_ += requests;
    // Where batches take less time than lies between them, larger ones delay nobody.
    const double growth = time <= gap_ ? std::min(ratio(gap_, time), kBoldestWhereQuick)
                                       : std::min(kGrowth * std::exp2(bold_rounds_), kBoldest);
    resize(size_ + growth * static_cast<double>(requests));
  }
}

void Window::shrink(const Batch& batch, TimePoint now) {
  const Duration time = now - batch.sent;
  if (!shrinking_) {
    shrinking_ = true;
    resize(std::min(size_, 2 * static_cast<double>(batch.under_way)));
    size_before_ = size_;
    time_before_ = time;
  }
  time_before_ = std::max(time_before_, time);
  // What was sent before it shrank last says nothing of the window as it is.
  if (now - shrunk_at_ < time) {
    return;
  }
  shrunk_at_ = now;
  requests_grown_on_ = 0;
  bold_rounds_ = 0;
  resize(size_ * std::max(1 - kShrinking * (1 - ratio(acceptable(), time)), kMostShrinking));
  if (size_ <= std::max(size_before_ / kQuarter, kLeast)) {
    begin_trial(Trial::kShrunk, now);
  }
}

void Window::begin_trial(Trial trial, TimePoint now) {
  trial_ = trial;
  begin_round(now);
}

void Window::begin_round(TimePoint now) {
  round_began_ = now;
  time_count_ = 0;
  limited_ = grew_ = false;
}

void Window::end_round(TimePoint now) {
  const auto middle = times_.begin() + static_cast<std::ptrdiff_t>(time_count_ / 2);
  std::nth_element(times_.begin(), middle, times_.begin() + static_cast<std::ptrdiff_t>(time_count_));
  time_ = *middle;
  if (base_.count() == 0) {
    base_ = time_;
    looked_at_ = now;
  }
  base_ = std::min(base_, time_);
  bold_rounds_ += grew_ && requests_grown_on_ > kMoreThanABurst ? 1 : 0;
  const bool limited = limited_;
  begin_round(now);
  if (trial_ != Trial::kNone) {
    end_trial(now);
    return;
  }
  shrinking_ = shrinking_ && time_ > acceptable() + acceptable() / kQuarter;
  if (!shrinking_ && !config_.fixed && limited && !quick(time_, gap_) &&
      now - looked_at_ > std::max<Duration>(look_again_, kLookAgainBatches * time_)) {
    size_before_ = size_;
    time_before_ = time_;
    resize(size_ / kQuarter);
    begin_trial(Trial::kLook, now);
  }
}

// Whether a quarter of the window made batches shorter.
void Window::end_trial(TimePoint now) {
  const bool shorter = time_ < time_before_ - time_before_ / kQuarter;
  if (trial_ == Trial::kLook) {
    looked_at_ = now;
    look_again_ = shorter ? kLookAgain : std::min<Duration>(2 * look_again_, kLookAgainAtMost);
    if (time_ <= acceptable()) {
      base_ = time_;
    }
    resize(size_before_);
  } else if (!shorter) {
    base_ = time_;
    resize(size_before_);
  }
  trial_ = Trial::kNone;
  shrinking_ = false;
}

void Window::resize(double size) {
  size_ = std::clamp(size, kLeast, kMost);
}

}  // namespace agones::plugin
