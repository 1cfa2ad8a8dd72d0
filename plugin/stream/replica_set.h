// SPDX-License-Identifier: Apache-2.0
// The replicas that there are, by what their names are found to be. Pure but for what a replica is.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stream/address.h"
#include "stream/replica_status.h"

namespace agones::plugin {

// `Replica` has status().
template <typename Replica>
class ReplicaSet {
 public:
  const std::vector<std::unique_ptr<Replica>>& all() const { return replicas_; }
  bool empty() const { return replicas_.empty(); }
  void clear() noexcept { replicas_.clear(); }

  // Null if there is none.
  Replica* find(const std::string& target) const {
    const auto found = std::find_if(replicas_.begin(), replicas_.end(),
                                    [&](const auto& replica) { return replica->status().address.target == target; });
    return found != replicas_.end() ? found->get() : nullptr;
  }
  // The one to open a stream to: of those that serve the one whose streams failed longest ago. Null if none serves.
  Replica* choose() const {
    Replica* chosen = nullptr;
    for (const auto& replica : replicas_) {
      const ReplicaStatus& status = replica->status();
      if (status.serves() && (chosen == nullptr || status.last_stream_failure < chosen->status().last_stream_failure)) {
        chosen = replica.get();
      }
    }
    return chosen;
  }
  bool another_serves(const std::string& target) const {
    return std::any_of(replicas_.begin(), replicas_.end(), [&](const auto& replica) {
      return replica->status().serves() && replica->status().address.target != target;
    });
  }

  // Those whose address is gone go, unless they are `in_use(target)`; for each that is new there is what `make(address)` returns.
  template <typename InUse, typename Make>
  void update(Resolution resolution, const InUse& in_use, const Make& make) {
    const auto listed = [&](const Address& address) {
      const auto& known = resolution.addresses;
      const auto& unresolved = resolution.unresolved;
      return std::find(known.begin(), known.end(), address) != known.end() ||
             std::find(unresolved.begin(), unresolved.end(), address.authority) != unresolved.end();
    };
    const auto gone = [&](const std::unique_ptr<Replica>& replica) {
      const Address& address = replica->status().address;
      return !listed(address) && !in_use(address.target);
    };
    replicas_.erase(std::remove_if(replicas_.begin(), replicas_.end(), gone), replicas_.end());
    for (Address& address : resolution.addresses) {
      if (find(address.target) == nullptr) {
        replicas_.push_back(make(std::move(address)));
      }
    }
  }

 private:
  std::vector<std::unique_ptr<Replica>> replicas_;
};

}  // namespace agones::plugin
