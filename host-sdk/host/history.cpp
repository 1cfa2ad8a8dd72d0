// SPDX-License-Identifier: Apache-2.0
#include "host/history.h"

#include <algorithm>
#include <cstring>

namespace agones::host {

namespace {

constexpr std::size_t kNumbersAt = offsetof(proc_stats, pending);
constexpr std::size_t kGauges = (offsetof(proc_stats, accepted) - kNumbersAt) / sizeof(std::uint64_t);

}  // namespace

void StatsSum::add(const Generation& generation) {
  std::array<std::uint64_t, kNumbersAt / sizeof(std::uint64_t) + kMost> buffer{};
  auto* stats = reinterpret_cast<proc_stats*>(buffer.data());
  stats->struct_size = sizeof(buffer);
  generation.api().get_stats(generation.client(), stats, nullptr, 0);
  for (std::size_t i = 0; i < kMost; ++i) {
    numbers_[i] += buffer[i + kNumbersAt / sizeof(std::uint64_t)];
  }
}

void StatsSum::drop_gauges() {
  std::fill_n(numbers_.begin(), kGauges, 0);
}

void StatsSum::write(proc_stats& stats) const {
  const std::size_t room = (stats.struct_size - kNumbersAt) / sizeof(std::uint64_t);
  stats.reserved = 0;
  std::memcpy(reinterpret_cast<char*>(&stats) + kNumbersAt, numbers_.data(),
              std::min(room, kMost) * sizeof(std::uint64_t));
}

void History::add(const Generation& generation) {
  const std::uint64_t used = ids_used(generation.stats());
  ids_.emplace_back(generation.first_id(), generation.first_id() + used);
  stats_.add(generation);
  stats_.drop_gauges();
}

bool History::gave_out(std::uint64_t id) const {
  return std::any_of(ids_.begin(), ids_.end(),
                     [id](const auto& range) { return id >= range.first && id < range.second; });
}

std::uint64_t ids_used(const proc_stats& stats) {
  return stats.accepted + stats.taken_over;
}

}  // namespace agones::host
