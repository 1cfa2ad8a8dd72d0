// SPDX-License-Identifier: Apache-2.0
// What is behind a client, in the plugin and in the host library. The functions that both export (exports/) have checked the
// arguments; what is thrown becomes a status at the border.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "agones/processor.h"
#include "contract/border.h"
#include "contract/poll_budget.h"

namespace agones::plugin {

class Client {
 public:
  Client() = default;
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  virtual bool in_forked_child() const = 0;

  // Any thread.
  virtual Result cancel(std::uint64_t id) = 0;
  virtual Result drain(proc_drain_flags flags) = 0;
  virtual void wake() = 0;
  virtual int wakeup_fd() const = 0;
  // As much of it as its struct_size says.
  virtual void get_stats(proc_stats& stats) const = 0;
  virtual void get_metrics(proc_metrics& metrics) const = 0;

  // One thread at a time.
  virtual Result poll(PollBudget& budget) = 0;
  virtual Result poll_json(proc_json_fn* on_json, void* context, PollBudget& budget) = 0;
  virtual Result poll_events(proc_event* events, std::uint32_t event_size, PollBudget& budget) = 0;
  virtual Result hand_over(proc_take_fn* take, void* context, PollBudget& budget) = 0;
  virtual Result shutdown(std::chrono::milliseconds timeout) = 0;
  // Whether it may be destroyed now.
  virtual Result may_destroy() = 0;
};

// Each library has its own.

// This is a child of a process that had clients when it was forked.
bool forked_with_clients();
// `config` is as long as it says; `complete` is the same, with a default for what the host does not have.
Result make_client(const proc_config& config, const proc_config& complete, std::unique_ptr<Client>& client);

}  // namespace agones::plugin
