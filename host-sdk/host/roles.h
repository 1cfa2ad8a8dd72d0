// SPDX-License-Identifier: Apache-2.0
// Which generation takes new requests, and which one is on its way out. Any thread may visit one without a lock that
// visitors share; the polling thread replaces them, and lets none go while somebody is inside.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/visitors.h"
#include "host/generation.h"

namespace agones::host {

class Roles {
 private:
  struct Place {
    std::unique_ptr<Generation> generation;
    plugin::Visitors visitors;
  };

 public:
  // While it lives, its generation does.
  class Visit {
   public:
    Visit() = default;
    Visit(Generation* generation, plugin::Visitors::Count* count) : generation_(generation), count_(count) {}
    ~Visit() {
      if (count_ != nullptr) {
        plugin::Visitors::leave(*count_);
      }
    }
    Visit(Visit&& other) noexcept
        : generation_(std::exchange(other.generation_, nullptr)), count_(std::exchange(other.count_, nullptr)) {}
    Visit& operator=(Visit&&) = delete;

    explicit operator bool() const { return generation_ != nullptr; }
    Generation* operator->() const { return generation_; }
    Generation& operator*() const { return *generation_; }

   private:
    Generation* generation_ = nullptr;
    plugin::Visitors::Count* count_ = nullptr;
  };

  explicit Roles(std::unique_ptr<Generation> first) { places_[0].generation = std::move(first); }

  // Any thread.
  Visit visit_current() const { return visit(current_); }
  // Empty if there is none.
  Visit visit_old() const { return visit(old_); }

  // The polling thread's.
  Generation& current() const { return *places_[static_cast<std::size_t>(current_.load())].generation; }
  Generation* old() const;
  // The current one becomes the old one.
  void replace(std::unique_ptr<Generation> next);
  // Nobody is still inside who came before the last change of roles.
  bool is_left();
  // No more visits to the old one.
  void retire_old();
  // The one that was retired; null while somebody is still inside.
  std::unique_ptr<Generation> release_retired();

 private:
  static constexpr int kNone = -1;

  Visit visit(const std::atomic<int>& role) const;
  void watch(int place);

  mutable std::array<Place, 2> places_;
  std::atomic<int> current_{0};
  std::atomic<int> old_{kNone};
  int watched_ = kNone;
  std::optional<plugin::Visitors::Departure> departure_;
};

}  // namespace agones::host
