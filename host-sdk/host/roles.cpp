// SPDX-License-Identifier: Apache-2.0
#include "host/roles.h"

#include <pthread.h>

namespace agones::host {

namespace {

// Descriptors of threads lie on their stacks, which are far apart.
std::size_t own_stripe(std::size_t stripes) {
  const auto self = static_cast<std::uint64_t>(pthread_self());
  return ((self >> 12U) * 0x9e3779b97f4a7c15ULL >> 32U) % stripes;
}

}  // namespace

Roles::Visit Roles::visit(const std::atomic<int>& role) const {
  const std::size_t stripe = own_stripe(kStripes);
  while (true) {
    // A first guess: no order is needed.
    const int place = role.load(std::memory_order_seq_cst);
    if (place == kNone) {
      return {};
    }
    Place& visited = places_[static_cast<std::size_t>(place)];
    std::atomic<std::int64_t>& visitors = visited.stripes[stripe].visitors;
    // seq_cst: counted, then looked whether it still has the role; the other side takes the role away, then looks at the count. One of
    // the two sees what the other did. acquire, of the load: the generation that came with the role.
    visitors.fetch_add(1, std::memory_order_seq_cst);
    if (role.load(std::memory_order_seq_cst) == place) {
      return {visited.generation.get(), &visitors};
    }
    visitors.fetch_sub(1, std::memory_order_release);  // nothing was touched: relaxed would do
  }
}

Generation* Roles::old() const {
  const int place = old_.load();
  return place == kNone ? nullptr : places_[static_cast<std::size_t>(place)].generation.get();
}

void Roles::replace(std::unique_ptr<Generation> next) {
  const int before = current_.load();
  const int after = 1 - before;
  places_[static_cast<std::size_t>(after)].generation = std::move(next);
  // seq_cst: see visit(). release: who visits finds the generation that was put there.
  old_.store(before, std::memory_order_seq_cst);
  current_.store(after, std::memory_order_seq_cst);
  watch(before);
}

void Roles::retire_old() {
  const int place = old_.exchange(kNone, std::memory_order_seq_cst);  // see visit()
  watch(place);
}

std::unique_ptr<Generation> Roles::release_retired() {
  return is_left() ? std::move(places_[static_cast<std::size_t>(watched_)].generation) : nullptr;
}

void Roles::watch(int place) {
  watched_ = place;
  seen_empty_.fill(false);
}

bool Roles::is_left() {
  const Place& place = places_[static_cast<std::size_t>(watched_)];
  bool all = true;
  for (std::size_t i = 0; i < kStripes; ++i) {
    // seq_cst: see visit(). acquire: what visitors did comes before what is done when they have left.
    seen_empty_[i] = seen_empty_[i] || place.stripes[i].visitors.load(std::memory_order_seq_cst) == 0;
    all = all && seen_empty_[i];
  }
  return all;
}

}  // namespace agones::host
