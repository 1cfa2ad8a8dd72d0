// SPDX-License-Identifier: Apache-2.0
#include "engine/window.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace agones::plugin {

namespace {

// Every number here stands in a table in DESIGN.md, with what it was measured by.

// The window, in requests: its bounds, where slow requests were seen and where none were.
constexpr double kLeast = 4;
constexpr double kLeastUnsplit = 8;
constexpr double kMost = 1 << 20;

// Beginning: how many requests one batch may have before any were answered; later as many as kProof times those that were
// answered since a batch was held up last. Until there are kProofEnough of them, they go on all streams there are, and what may
// not go in one batch opens more.
constexpr std::size_t kUnproven = 128;
constexpr std::size_t kProof = 2;
constexpr std::size_t kProofEnough = 1'000;
constexpr std::size_t kUnprovenStreams = 16;

// Streams, while no batch is held up: more would shorten the wait for one of them by little.
constexpr std::size_t kFewStreams = 4;
// Smaller batches wait for others that come soon: each costs as much as some hundred requests.
constexpr double kWorthABatch = 16;
// Batches that take no more gaps than this need one stream.
constexpr int kQuick = 3;
// Over all streams batches are spread that get this small by it, but not smaller than kSmallest.
constexpr double kSmall = 64;
constexpr double kSmallest = 3;

// Held up: a batch that a later one overtook, and that takes this many times the usual time.
constexpr int kHeldUp = 2;
// The same is known where batches take this many times the usual time, this many times, and others in between do not.
constexpr int kTwoHumps = 4;
constexpr unsigned kSlowBatches = 2;
// Batches stay small until this many requests were answered, or for this long, with none held up.
constexpr std::size_t kSplitRequests = 10'000;
constexpr std::chrono::seconds kSplitTime{60};

// Growing: of what was answered, in a round; the double every round once kMoreThanABurst requests have been answered without a
// slower one. Before that it may be a burst that the processor had saved up for: Kubernetes' clients save 500.
constexpr double kGrowth = 0.1;
constexpr double kBoldest = 1;
constexpr double kBoldestWhereQuick = 8;
constexpr std::size_t kMoreThanABurst = 600;
// Beyond this, at most by as many a round, so that several clients come to equal parts.
constexpr double kPlainBatch = 1'000;

// Shrinking: batches may take this many times as long as they must, since it keeps the processor busy from one to the next, and
// some of it is chance. Of the part that is too much; once a round. The middle one of the last batches decides, but for one that
// takes kClearly times what is acceptable.
constexpr double kAcceptable = 2;
constexpr int kClearly = 4;
// The least time of a batch that is known rises by a part of it each round: it was a lucky one, or things have changed.
constexpr int kBaseRises = 32;
constexpr double kShrinking = 0.8;
constexpr double kMostShrinking = 0.5;
// What a batch takes as a rule. Where a first batch takes longer, that may be its size; and with less than what is answered in
// this time, one of several clients would be left with nothing.
constexpr milliseconds kUsualTime{100};
// What has this many answered in kUsualTime waits for a CPU, not for an API server: maybe for other clients.
constexpr double kLimitedByCpu = 500;
// A processor that got this many times slower is not the one that was measured.
constexpr double kMuchSlower = 16;

// Trials, with a quarter of the window. After it has shrunk: if the processor then answers clearly less, the window was not what
// made batches long. Now and then: whether batches get shorter by a quarter.
constexpr int kQuarter = 4;
// What a batch takes at least is looked at this rarely, and not before this many could follow each other.
constexpr milliseconds kLookAgainAtMost{64'000};
constexpr int kLookAgainBatches = 4;
constexpr std::size_t kLeastSamples = 3;
constexpr std::size_t kTrialSamples = 8;
// Less of the rate than this is no longer what it was before the window shrank.
constexpr double kKept = 0.6;
// Where it was not the window, batches may differ more by chance than was thought.
constexpr double kMoreTolerance = 1.5;
constexpr double kMostTolerance = 16;

// Standing still: nothing is answered for kLate times as long as usual, but for kLeastPatience at least; where nothing is known,
// for kFirstPatience. Then one request goes, and the next one after kProbeBackoff times as long. For each of them the window
// begins anew from 1 / kStoodStill of what it was.
constexpr int kLate = 3;
constexpr milliseconds kLeastPatience{100};
constexpr milliseconds kFirstPatience{300};
constexpr double kProbeBackoff = 3;
constexpr unsigned kMostProbes = 8;
constexpr double kStoodStill = 4;
constexpr double kLeastAfterStandstill = 2;

double ratio(Duration time, Duration to) {
  return static_cast<double>(time.count()) / static_cast<double>(std::max<Duration::rep>(to.count(), 1));
}

double seconds_of(Duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

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

bool Window::split(TimePoint now) const {
  return held_up_at_ && now - *held_up_at_ < kSplitTime && clean_ < kSplitRequests;
}

// How many requests may share the fate of the slowest of them.
std::size_t Window::proven() const {
  return std::max(kUnproven, kProof * clean_);
}

std::size_t Window::most_lanes(const Now& now) const {
  std::size_t most = config_.max_streams;
  if (!split(now.time)) {
    const std::size_t unproven = config_.fixed ? 0 : std::min(now.waiting / proven(), kUnprovenStreams);
    most = std::min(most, std::max(kFewStreams, unproven));
  }
  return most;
}

// How many batches are under way at a time if one goes every gap.
std::size_t Window::lanes(const Now& now) const {
  if (quick(batch_time(now.time), now.gap)) {
    return 1;
  }
  const double paced = std::ceil(ratio(batch_time(now.time), now.gap));
  return static_cast<std::size_t>(std::clamp(paced, 1.0, static_cast<double>(most_lanes(now))));
}

// What comes in that time goes as one batch. A small batch costs as much as a large one.
Duration Window::pause(const Now& now, std::size_t requests) const {
  if (config_.fixed || split(now.time) || now.waiting != 0) {
    return Duration(0);
  }
  if (quick(time_, now.gap)) {
    return static_cast<double>(requests) < kWorthABatch ? 2 * now.gap : Duration(0);
  }
  // So that the few streams take turns.
  return time_ / static_cast<Duration::rep>(std::min<std::size_t>(kFewStreams, config_.max_streams));
}

std::size_t Window::streams_wanted(const Now& now) const {
  const std::size_t probes = probes_ + (overdue(now.time) ? 1 : 0);
  return std::min<std::size_t>(lanes(now) + held_up_ + probes, config_.max_streams);
}

TimePoint Window::more_wanted_at(const Now& now) const {
  const Batch* const batch = oldest();
  if (batch == nullptr || streams_wanted(now) >= config_.max_streams) {
    return TimePoint::max();
  }
  const TimePoint probe = overdue(now.time) ? TimePoint::max() : last_sign_ + patience() + Duration(1);
  const bool is_quick = quick(batch_time(now.time), now.gap);
  const std::size_t lanes_now = lanes(now);
  if (!is_quick && lanes_now >= most_lanes(now)) {
    return probe;
  }
  const Duration age =
      is_quick ? std::max(kQuick * now.gap, kLate * time_) : static_cast<Duration::rep>(lanes_now) * now.gap;
  return std::min(probe, batch->sent + age + Duration(1));
}

std::size_t Window::largest() const {
  const double answers = static_cast<double>(config_.max_answer_bytes) / std::max(answer_bytes_, 1.0);
  return static_cast<std::size_t>(std::clamp(answers, 1.0, static_cast<double>(config_.max_batch_size)));
}

// Batches are large where no slow request was seen: the window, by as many streams as take turns.
std::size_t Window::unsplit_share(const Now& now, std::size_t streams) const {
  const bool unproven = clean_ < kProofEnough;
  const auto turns = static_cast<double>(unproven ? streams : std::min(streams, lanes(now)));
  // What is answered in a few gaps is the least that is worth a batch.
  const double worth =
      unproven && streams > kFewStreams ? kSmallest : std::max(kWorthABatch, rate_ * seconds_of(kQuick * now.gap));
  const double size = std::max(size_ / turns, std::min(worth, size_ / 2));
  return std::min(static_cast<std::size_t>(std::ceil(size)), proven());
}

// What one batch gets of the window.
std::size_t Window::share(const Now& now) const {
  const Duration time = batch_time(now.time);
  if (config_.max_streams == 1 || quick(time, now.gap)) {
    return size();
  }
  const std::size_t streams = now.streams > held_up_ ? now.streams - held_up_ : 1;
  if (!split(now.time)) {
    return unsplit_share(now, streams);
  }
  // Where fewer are asked for than the window permits, those are spread.
  const double asked_for = std::min(size_, static_cast<double>(busy_ + now.waiting));
  if (streams == 1) {
    // The other half for the next one that opens.
    return static_cast<std::size_t>(std::ceil(asked_for / 2));
  }
  const auto usable = static_cast<double>(streams);
  const double paced = asked_for / std::clamp(ratio(time, now.gap), 1.0, usable);
  const double spread = asked_for / usable;
  // A slow request holds up its batch, so that small ones are better. Large ones that are a little smaller win nothing.
  return static_cast<std::size_t>(
      std::ceil(now.paced || spread > kSmall ? std::max(paced, kSmallest) : std::max(spread, kSmallest)));
}

// Whether an answer must come before there is room worth a batch.
bool Window::full(const Now& now) const {
  if (config_.fixed) {
    return false;
  }
  if (probes_ != 0 || overdue(now.time)) {
    return true;
  }
  const bool one_is_enough = quick(batch_time(now.time), now.gap) && under_way_.size() > held_up_;
  return one_is_enough || room() == 0 || room() < std::min(share(now) / 2, now.waiting);
}

Duration Window::patience() const {
  const Duration usual = time_.count() != 0 ? std::max<Duration>(kLate * time_, kLeastPatience) : kFirstPatience;
  return usual * static_cast<Duration::rep>(std::pow(kProbeBackoff, std::min(probes_, kMostProbes)));
}

// Nothing is answered for longer than is usual.
bool Window::overdue(TimePoint now) const {
  return oldest() != nullptr && now - last_sign_ > patience();
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
    limited_ = limited_ || (busy_ + now.waiting >= this->size() && room_for_it < std::min(now.waiting, largest()));
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
  if (oldest() == nullptr) {
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
  const unsigned probes = std::exchange(probes_, 0);
  // A probe that is answered at once tells that others are slow, not that the processor stood still.
  if (probes > 1 && time_.count() != 0 && now - answered.sent > patience() && !config_.fixed) {
    // What it can do now is to be found out, from the less the longer it stood.
    resize(size_ / std::pow(kStoodStill, std::min(probes, kMostProbes)), kLeastAfterStandstill);
    stood_still_until_ = now;
  }
  clean_ += answered.requests;
  const double bytes = static_cast<double>(answer_bytes) / static_cast<double>(answered.requests);
  answer_bytes_ = std::max(answer_bytes_ * 0.99, bytes);
  if (answered.sent < stood_still_until_) {
    // It tells little of what batches take.
    const Duration time = now - answered.sent;
    time_ = time_.count() == 0 ? time : std::min(time, 2 * time_);
  } else if (!answered.held_up) {
    learn(answered, now);
  }
}

// What its size alone may cost at the best rate that is known.
Duration Window::work_of(const Batch& batch) const {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(static_cast<double>(batch.requests) / best_rate_));
}

void Window::hold_up_those_before(std::size_t index, TimePoint now) {
  for (std::size_t i = 0; i < index; ++i) {
    Batch& batch = under_way_[i];
    // A large batch may take long for its size.
    const Duration work = split(now) ? Duration(0) : work_of(batch);
    if (!batch.held_up && now - batch.sent > kHeldUp * time_ + work) {
      batch.held_up = true;
      tail_seen(now);
      busy_ -= batch.requests;
      ++held_up_;
    }
  }
}

// From here on batches are small. The window begins anew from a part: so far it may have been made of a burst.
void Window::tail_seen(TimePoint now) {
  const bool news = !split(now);
  held_up_at_ = now;
  clean_ = 0;
  if (news && !config_.fixed) {
    requests_grown_on_ = 0;
    bold_rounds_ = 0;
    resize(std::max(size_ / kQuarter, kSmall), kLeast);
  }
}

void Window::stream_lost(std::uint64_t stream) noexcept {
  for (std::size_t i = under_way_.size(); i > 0; --i) {
    if (under_way_[i - 1].stream == stream) {
      forget(i - 1);
    }
  }
  if (under_way_.empty()) {
    probes_ = 0;
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
  return std::chrono::duration_cast<Duration>(tolerance_ *
                                              std::chrono::duration<double, Duration::period>(std::max(base_, gap_)));
}

void Window::learn(const Batch& batch, TimePoint now) {
  const Duration time = now - batch.sent;
  if (base_.count() == 0) {
    time_ = time;
    // A large first batch may take long for its size.
    base_ = static_cast<double>(batch.requests) <= kWorthABatch ? time : std::min<Duration>(time, kUsualTime);
    looked_at_ = now;
  }
  answered_ += batch.requests;
  answered_while_shrinking_ += batch.requests;
  compare_with_usual(batch, now);
  if (batch.sent >= round_began_) {
    if (time_count_ == 0) {
      first_answer_ = now;
      answered_by_round_ = 0;
    } else {
      answered_by_round_ += batch.requests;
    }
    times_[time_count_++] = time;
    const std::size_t usual = std::clamp(2 * lanes({now, gap_}), kLeastSamples, kMostSamples);
    if (time_count_ >= (trial_ == Trial::kNone ? usual : trial_ == Trial::kLook ? kLeastSamples : kTrialSamples)) {
      end_round(now);
    }
  }
  if (config_.fixed || trial_ != Trial::kNone) {
    return;
  }
  if (middle_of_last(time) <= acceptable() && time <= kClearly * acceptable()) {
    grow(batch.requests, time);
  } else if (batch.in_use) {
    shrink(batch, now);
  }
}

// Of this batch's time and those before it; one alone may be long by chance.
Duration Window::middle_of_last(Duration time) {
  last_times_[last_time_++ % last_times_.size()] = time;
  if (last_time_ < last_times_.size()) {
    return time;
  }
  auto sorted = last_times_;
  const auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

// Where one batch is under way at a time, none overtakes another. That some take long and others don't tells as much.
void Window::compare_with_usual(const Batch& batch, TimePoint now) {
  const Duration time = now - batch.sent;
  if (time > kTwoHumps * time_ + work_of(batch)) {
    slow_ = true;
  } else if (slow_ && time <= 2 * time_) {
    slow_ = false;
    if (++slow_batches_ >= kSlowBatches) {
      slow_batches_ = 0;
      tail_seen(now);
    }
  }
}

void Window::grow(std::size_t requests, Duration time) {
  if (limited_) {
    grew_ = true;
    requests_grown_on_ += requests;
    // Where batches take less time than lies between them, larger ones delay nobody.
    const double growth = time <= gap_ ? std::min(ratio(gap_, time), kBoldestWhereQuick)
                                       : std::min(kGrowth * std::exp2(bold_rounds_), kBoldest);
    const double a_round = time <= gap_ ? growth : std::min(growth, std::max(kPlainBatch / size_, kGrowth));
    resize(size_ + a_round * static_cast<double>(requests), kLeast);
  }
}

// How small the window gets for a batch that took too long.
double Window::least(const Batch& slow, TimePoint now) const {
  if (split(now)) {
    return kLeast;
  }
  const double rate_now = static_cast<double>(slow.under_way) / seconds_of(now - slow.sent);
  return std::max(kLeastUnsplit, (rate_now < rate_ / kMuchSlower ? rate_now : rate_) * seconds_of(kUsualTime));
}

void Window::shrink(const Batch& batch, TimePoint now) {
  const Duration time = now - batch.sent;
  const double least = this->least(batch, now);
  if (!shrinking_) {
    shrinking_ = true;
    resize(std::min(size_, 2 * static_cast<double>(batch.under_way)), least);
    size_before_ = size_;
    time_before_ = time;
    shrink_began_ = now;
    answered_while_shrinking_ = 0;
  }
  time_before_ = std::max(time_before_, time);
  // What was sent before it shrank last says nothing of the window as it is.
  if (now - shrunk_at_ < time) {
    return;
  }
  shrunk_at_ = now;
  requests_grown_on_ = 0;
  bold_rounds_ = 0;
  resize(size_ * std::max(1 - kShrinking * (1 - ratio(acceptable(), time)), kMostShrinking), least);
  const bool enough = size_ <= std::max(size_before_ / kQuarter, split(now) ? kLeast : kLeastUnsplit);
  if (enough || (size_ <= least && least >= kLimitedByCpu)) {
    rate_before_ = static_cast<double>(answered_while_shrinking_) / seconds_of(now - shrink_began_);
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
  answered_ = 0;
  limited_ = grew_ = false;
}

void Window::end_round(TimePoint now) {
  const auto middle = times_.begin() + static_cast<std::ptrdiff_t>(time_count_ / 2);
  std::nth_element(times_.begin(), middle, times_.begin() + static_cast<std::ptrdiff_t>(time_count_));
  time_ = *middle;
  const double rate = static_cast<double>(answered_) / std::max(seconds_of(now - round_began_), 1e-6);
  rate_ = std::max(0.5 * rate_, rate);
  best_rate_ = std::max(0.9 * best_rate_, rate);
  base_ = std::min(time_, base_ + base_ / kBaseRises);
  bold_rounds_ += grew_ && requests_grown_on_ > kMoreThanABurst ? 1 : 0;
  const bool limited = limited_;
  // From the first answer of the round to the last.
  trial_rate_ = static_cast<double>(answered_by_round_) / std::max(seconds_of(now - first_answer_), 1e-3);
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
    resize(size_ / kQuarter, kLeast);
    begin_trial(Trial::kLook, now);
  }
}

void Window::end_trial(TimePoint now) {
  const bool shorter = time_ < time_before_ - time_before_ / kQuarter;
  if (trial_ == Trial::kLook) {
    looked_at_ = now;
    look_again_ = shorter ? kLookAgain : std::min<Duration>(2 * look_again_, kLookAgainAtMost);
    if (time_ <= acceptable()) {
      base_ = time_;
    }
    resize(size_before_, kLeast);
  } else if (!shorter || trial_rate_ < kKept * rate_before_) {
    // With a quarter of the window batches take as long, or the processor answers less: the window was not the cause.
    base_ = time_;
    tolerance_ = std::min(kMoreTolerance * tolerance_, kMostTolerance);
    resize(size_before_, kLeast);
  } else {
    tolerance_ = kAcceptable;
  }
  trial_ = Trial::kNone;
  shrinking_ = false;
}

// No less than `least`, but where it is less already.
void Window::resize(double size, double least) {
  size_ = std::clamp(size, std::min(size_, least), kMost);
}

}  // namespace agones::plugin
