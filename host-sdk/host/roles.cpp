// SPDX-License-Identifier: Apache-2.0
#include "host/roles.h"

namespace agones::host {

Roles::Visit Roles::visit(const std::atomic<int>& role) const {
  while (true) {
    // A first guess: no order is needed.
    const int place = role.load(std::memory_order_seq_cst);
    if (place == kNone) {
      return {};
    }
    Place& visited = places_[static_cast<std::size_t>(place)];
    plugin::Visitors::Count& count = visited.visitors.enter();
    // If it still has the role, whoever takes the role away sees this visitor.
    if (role.load(std::memory_order_seq_cst) == place) {
      return {visited.generation.get(), &count};
    }
    plugin::Visitors::leave(count);
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
  departure_.emplace(places_[static_cast<std::size_t>(place)].visitors);
}

bool Roles::is_left() {
  return departure_->done();
}

}  // namespace agones::host
