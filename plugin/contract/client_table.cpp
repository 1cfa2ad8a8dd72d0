// SPDX-License-Identifier: Apache-2.0
#include "contract/client_table.h"

#include <time.h>

#include <string>
#include <utility>

namespace agones::plugin {

namespace {

// A handle's bits, from the lowest: 0, the place, the library's mark, the client's number. It is below 2^47, so that languages
// which use the upper bits of a pointer, or its lowest, can keep it.
constexpr unsigned kPlaceShift = 4;
constexpr unsigned kPlaceBits = 10;
constexpr unsigned kMarkShift = kPlaceShift + kPlaceBits;
constexpr unsigned kMarkBits = 12;
constexpr unsigned kNumberShift = kMarkShift + kMarkBits;
constexpr unsigned kNumberBits = 21;
constexpr std::uint32_t kLastNumber = (1U << kNumberBits) - 1;

static_assert(ClientTable::kMost == 1U << kPlaceBits);

std::uintptr_t bits(std::uintptr_t handle, unsigned shift, unsigned count) {
  return handle >> shift & ((std::uintptr_t{1} << count) - 1);
}

// A call that is inside ends soon, and so rarely is there one that nothing need wake this thread for it.
constexpr timespec kLookAgain{0, 200'000};

Result destroyed() {
  return {PROC_ERR_SHUT_DOWN, "client: it was destroyed"};
}

}  // namespace

ClientTable& clients() {
  static ClientTable table;
  return table;
}

// Libraries are mapped at different pages.
std::uintptr_t ClientTable::mark() const {
  return bits(reinterpret_cast<std::uintptr_t>(this), 12, kMarkBits);
}

std::uintptr_t ClientTable::handle_of(std::size_t place, std::uint32_t number) const {
  return std::uintptr_t{number} << kNumberShift | mark() << kMarkShift | std::uintptr_t{place} << kPlaceShift;
}

ClientTable::Place* ClientTable::place_of(std::uintptr_t handle) {
  const std::size_t place = bits(handle, kPlaceShift, kPlaceBits);
  const auto number = static_cast<std::uint32_t>(bits(handle, kNumberShift, kNumberBits));
  return number != 0 && handle == handle_of(place, number) ? &places_[place] : nullptr;
}

ClientTable::Visit::Visit(ClientTable& table, const proc_client* handle) noexcept
    : handle_(handle), place_(table.place_of(reinterpret_cast<std::uintptr_t>(handle))) {
  if (place_ == nullptr) {
    return;
  }
  count_ = &place_->visitors.enter();
  if (place_->handle.load(std::memory_order_seq_cst) == reinterpret_cast<std::uintptr_t>(handle)) {
    forked_ = place_->client->in_forked_child();
    client_ = forked_ ? nullptr : place_->client;
  }
}

Result ClientTable::Visit::refusal() const {
  if (handle_ == nullptr) {
    return invalid("client: NULL");
  }
  if (forked_) {
    return {PROC_ERR_FORKED, "the process was forked after the client was made"};
  }
  const std::uintptr_t number = bits(reinterpret_cast<std::uintptr_t>(handle_), kNumberShift, kNumberBits);
  const bool was_one = place_ != nullptr && number <= place_->made.load();
  return was_one ? destroyed() : invalid("client: not one of this library's");
}

ClientTable::Place* ClientTable::take_place() {
  for (Place& place : places_) {
    if (place.made.load() != kLastNumber && !place.taken.exchange(true)) {
      return &place;
    }
  }
  return nullptr;
}

Result ClientTable::no_place() {
  return {PROC_ERR_NO_RESOURCES, "there are " + std::to_string(kMost) + " clients already"};
}

proc_client* ClientTable::open(Place& place, std::unique_ptr<Client> client) {
  const std::uint32_t number = place.made.load() + 1;
  place.made.store(number);
  place.client = client.release();
  const std::uintptr_t value = handle_of(static_cast<std::size_t>(&place - places_.data()), number);
  place.handle.store(value, std::memory_order_seq_cst);
  return reinterpret_cast<proc_client*>(value);  // NOLINT(performance-no-int-to-ptr): nobody follows it
}

Result ClientTable::destroy(const proc_client* handle, std::chrono::milliseconds patience) {
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  {
    const Visit visit(*this, handle);
    if (visit.client() == nullptr) {
      return visit.refusal();
    }
    PROC_TRY(visit.client()->may_destroy());
    std::uintptr_t open = value;
    if (!place_of(value)->handle.compare_exchange_strong(open, 0, std::memory_order_seq_cst)) {
      return destroyed();  // by another thread, just now
    }
  }
  Place& place = *place_of(value);
  Visitors::Departure departure(place.visitors);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!departure.done()) {
    if (std::chrono::steady_clock::now() > end) {
      place.handle.store(value, std::memory_order_seq_cst);
      return {PROC_ERR_BUSY, "another thread is inside a function of this client"};
    }
    nanosleep(&kLookAgain, nullptr);
  }
  delete std::exchange(place.client, nullptr);
  place.taken.store(false);
  return {};
}

}  // namespace agones::plugin
