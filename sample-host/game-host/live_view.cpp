// SPDX-License-Identifier: Apache-2.0
#include "game-host/live_view.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace game_host {

namespace {

constexpr std::chrono::milliseconds kScreenInterval{250};
constexpr std::chrono::milliseconds kLineInterval{1000};
constexpr std::size_t kSamples = 48;

constexpr const char* kEnterScreen = "\033[?1049h\033[?25l";
constexpr const char* kLeaveScreen = "\033[?25h\033[?1049l";
constexpr const char* kHome = "\033[H";
constexpr const char* kToEndOfLine = "\033[K";
constexpr const char* kToEndOfScreen = "\033[J";

std::string rounded(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, number);
  return text;
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3; place -= 3) {
    text.insert(place - 3, 1, ',');
  }
  return text;
}

std::string sparkline(const std::deque<double>& values) {
  constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  std::string line;
  for (const double value : values) {
    const double share = most > 0 ? value / most : 0;
    line += kBars[std::min<std::size_t>(7, static_cast<std::size_t>(share * 8))];
  }
  return line;
}

std::string outcomes_of(const proc_stats& stats) {
  std::string text = "ALLOCATED " + with_commas(stats.allocated);
  const auto add = [&text](const char* name, std::uint64_t value) {
    text += value != 0 ? std::string("   ") + name + " " + with_commas(value) : "";
  };
  add("REJECTED", stats.rejected);
  add("TIMEOUT", stats.timed_out);
  add("DISCONNECTED", stats.disconnected);
  add("CANCELLED", stats.cancelled);
  add("SHUTDOWN", stats.shut_down);
  add("orphans", stats.orphans);
  return text;
}

}  // namespace

const char* name_of(proc_connection_state state) {
  constexpr const char* kNames[PROC_CONNECTION_STATES] = {"?",       "connecting",  "standby",
                                                          "serving", "backing off", "closed"};
  return kNames[state >= 0 && state < PROC_CONNECTION_STATES ? state : 0];
}

LiveView::LiveView()
    : terminal_(isatty(STDOUT_FILENO) != 0),
      last_answers_(std::make_unique<proc_histogram>()),
      answers_(std::make_unique<proc_histogram>()) {
  if (terminal_) {
    std::fputs(kEnterScreen, stdout);
  }
}

LiveView::~LiveView() {
  if (terminal_) {
    std::fputs(kLeaveScreen, stdout);
    std::fflush(stdout);
  }
}

void LiveView::show(const agones::Client& client, Clock::time_point now) {
  const agones::Metrics metrics = client.metrics();
  const double seconds = std::chrono::duration<double>(now - last_).count();
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const Sample newest = sample(metrics, std::max(seconds, 1e-3));
  samples_.push_back(newest);
  if (samples_.size() > kSamples) {
    samples_.pop_front();
  }
  if (terminal_) {
    draw(client, metrics, newest, elapsed);
  } else {
    print(client, metrics, newest, elapsed);
  }
  std::fflush(stdout);
  last_ = now;
  next_ = now + (terminal_ ? kScreenInterval : kLineInterval);
}

LiveView::Sample LiveView::sample(const agones::Metrics& metrics, double seconds) {
  agones::take_since_last(metrics.distributions().answer_time_us, *last_answers_, *answers_);
  Sample sample;
  sample.per_second = static_cast<double>(answers_->count) / seconds;
  sample.p50_ms = static_cast<double>(agones::quantile(*answers_, 0.5)) / 1000;
  sample.p99_ms = static_cast<double>(agones::quantile(*answers_, 0.99)) / 1000;
  return sample;
}

void LiveView::draw(const agones::Client& client, const agones::Metrics& metrics, const Sample& now,
                    double elapsed) const {
  const proc_stats& stats = metrics.stats();
  const proc_histogram& sizes = metrics.distributions().batch_size;
  std::deque<double> rates;
  std::deque<double> latencies;
  for (const Sample& sample : samples_) {
    rates.push_back(sample.per_second);
    latencies.push_back(sample.p99_ms);
  }
  std::string reason;
  const proc_connection_state state = client.connection(&reason);
  std::string screen = kHome;
  const auto line = [&screen](const std::string& text) { screen += text + kToEndOfLine + "\r\n"; };
  line("game-host   plugin " + client.plugin_version() + "   " + rounded(elapsed, 0) + " s");
  line("");
  line(std::string("connection  ") + name_of(state) + (reason.empty() ? "" : ": " + reason.substr(0, 90)));
  line("rate        " + with_commas(static_cast<std::uint64_t>(now.per_second)) + " a second   " + sparkline(rates));
  line("latency     p50 " + rounded(now.p50_ms, 1) + " ms, p99 " + rounded(now.p99_ms, 1) + " ms   " +
       sparkline(latencies));
  line("outcomes    " + outcomes_of(stats));
  line("requests    " + with_commas(stats.pending) + " pending: " + with_commas(stats.unsent) + " in the hot batch, " +
       with_commas(stats.in_flight) + " sent");
  line("batches     " + with_commas(stats.batches_sent) + " sent, " + with_commas(stats.batches_answered) +
       " answered, " +
       rounded(sizes.count == 0 ? 0 : static_cast<double>(sizes.sum) / static_cast<double>(sizes.count), 1) +
       " requests each; " + with_commas(stats.pulls) + " pulls");
  line(note_);
  std::fputs((screen + kToEndOfScreen).c_str(), stdout);
}

void LiveView::print(const agones::Client& client, const agones::Metrics& metrics, const Sample& now,
                     double elapsed) const {
  const proc_stats& stats = metrics.stats();
  std::printf("%.0f s  %s  %.0f a second  p50 %.1f ms  p99 %.1f ms  %s  pending %llu  batches %llu\n", elapsed,
              name_of(client.connection()), now.per_second, now.p50_ms, now.p99_ms, outcomes_of(stats).c_str(),
              static_cast<unsigned long long>(stats.pending), static_cast<unsigned long long>(stats.batches_sent));
}

}  // namespace game_host
