// SPDX-License-Identifier: Apache-2.0
#include "host/history.h"

#include <algorithm>
#include <cstddef>

namespace agones::host {

namespace {

constexpr std::size_t kMoreNumbers = 128;

// Numbers in a struct before this place.
constexpr std::size_t numbers_before(std::size_t offset) {
  return offset / sizeof(std::uint64_t) - 1;
}

}  // namespace

StatsSum::StatsSum() : Sum(numbers_before(offsetof(proc_stats, accepted)), kMoreNumbers) {}

void StatsSum::add(const Generation& generation) {
  Sum::add([&](proc_stats& stats) { generation.api().get_stats(generation.client(), &stats, nullptr, 0); });
}

MetricsSum::MetricsSum() : Sum(numbers_before(offsetof(proc_metrics, rejected)), 2 * sizeof(proc_histogram) / 8) {}

void MetricsSum::add(const Generation& generation) {
  Sum::add([&](proc_metrics& metrics) { generation.api().get_metrics(generation.client(), &metrics, nullptr, 0); });
}

void History::add(const Generation& generation) {
  const std::uint64_t used = ids_used(generation.stats());
  ids_.emplace_back(generation.first_id(), generation.first_id() + used);
  stats_.add(generation);
  stats_.drop_gauges();
  metrics_.add(generation);
  metrics_.drop_gauges();
}

bool History::gave_out(std::uint64_t id) const {
  return std::any_of(ids_.begin(), ids_.end(),
                     [id](const auto& range) { return id >= range.first && id < range.second; });
}

std::uint64_t ids_used(const proc_stats& stats) {
  return stats.accepted + stats.taken_over;
}

}  // namespace agones::host
