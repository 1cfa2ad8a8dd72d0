// SPDX-License-Identifier: Apache-2.0
// What the host's proc_client* means. It is not an address but the number of a place in a table, with the number of the client
// that had the place and a mark of this library. So a call on a client that was destroyed, or that another library made,
// is told so and touches nothing, and a client goes away only when no call is inside.
//
//   any thread:  a call --> ClientTable::Visit --> Client
//   destroy:     the place is closed --> calls that are inside leave --> the client is deleted --> the place is free
//
// The table is this library's one piece of memory that outlives its clients: it is zero at first, nothing of it needs a
// destructor, so that calls are safe until the library is unmapped.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "agones/processor.h"
#include "base/visitors.h"
#include "contract/border.h"
#include "contract/client.h"

namespace agones::plugin {

class ClientTable {
 public:
  static constexpr std::size_t kMost = 1'024;  // clients at a time

  constexpr ClientTable() = default;

 private:
  struct Place {
    std::atomic<bool> taken{false};
    std::atomic<std::uintptr_t> handle{0};  // of the client that may be called; 0: none
    std::atomic<std::uint32_t> made{0};     // clients so far
    Client* client = nullptr;               // destroy() deletes it; a destructor would run when the library is unmapped
    Visitors visitors;
  };

 public:
  // While it lives, its client does.
  class Visit {
   public:
    Visit(ClientTable& table, const proc_client* handle) noexcept;
    ~Visit() {
      if (count_ != nullptr) {
        Visitors::leave(*count_);
      }
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    // Null if the handle means no client, or one that may not be called here.
    Client* client() const { return client_; }
    // Why not.
    Result refusal() const;

   private:
    const proc_client* handle_;
    Place* place_;  // null: no client of this library can ever have had this handle
    Client* client_ = nullptr;
    Visitors::Count* count_ = nullptr;
    bool forked_ = false;
  };

  // A handle for the client that `make`, a function that takes a std::unique_ptr<Client>& and returns a Result, makes. The place
  // is taken first: a client that was made is never thrown away, since it has threads by then.
  template <typename Make>
  Result add(proc_client** handle, const Make& make) {
    TakenPlace taken(take_place());
    if (taken.place() == nullptr) {
      return no_place();
    }
    std::unique_ptr<Client> client;
    PROC_TRY(make(client));
    *handle = open(taken.keep(), std::move(client));
    return {};
  }
  // Deletes the client, if it may be and once nobody is inside. If somebody still is after `patience`: BUSY, and nothing
  // has happened.
  Result destroy(const proc_client* handle, std::chrono::milliseconds patience);

 private:
  // Given back unless it is kept.
  class TakenPlace {
   public:
    explicit TakenPlace(Place* place) : place_(place) {}
    ~TakenPlace() {
      if (place_ != nullptr && !kept_) {
        place_->taken.store(false);
      }
    }
    TakenPlace(const TakenPlace&) = delete;
    TakenPlace& operator=(const TakenPlace&) = delete;

    Place* place() const { return place_; }
    Place& keep() {
      kept_ = true;
      return *place_;
    }

   private:
    Place* place_;
    bool kept_ = false;
  };

  // Null if there is none.
  Place* take_place();
  static Result no_place();
  proc_client* open(Place& place, std::unique_ptr<Client> client);
  std::uintptr_t mark() const;
  std::uintptr_t handle_of(std::size_t place, std::uint32_t number) const;
  // Null if no client of this library can ever have had this handle.
  Place* place_of(std::uintptr_t handle);

  std::array<Place, kMost> places_;
};

// This library's.
ClientTable& clients();

// An exported function's body on a client; `Own`: what every client of this library is.
template <typename Own = Client, typename Body>
proc_status with_client(const proc_client* handle, char* error, std::uint64_t error_size, const Body& body) {
  return guarded(error, error_size, [&]() -> Result {
    const ClientTable::Visit visit(clients(), handle);
    if (visit.client() == nullptr) {
      return visit.refusal();
    }
    return body(static_cast<Own&>(*visit.client()));
  });
}

}  // namespace agones::plugin
