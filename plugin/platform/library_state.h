// SPDX-License-Identifier: Apache-2.0
// What is true of the mapped library as a whole: its threads and its clients. The only mutable global
// state of the plugin, because unmapping is a property of the library and of no client.
//
// Every thread that code in this library starts, gRPC's included, comes through __wrap_pthread_create
// (linked with --wrap=pthread_create): it is registered here and blocks all signals. A thread counts
// until the kernel has ended it, so that none can still be executing code that is unmapped.
//
// Likewise every epoll and event fd is registered: gRPC keeps one of each for the life of the process.
// They are closed when the library is unmapped, or each swap of a plugin would leak two. And every key of thread-local data
// (abseil's and OpenSSL's, where they are inside): a destructor that is unmapped must not be called when a thread of the host's ends.
#pragma once

#include <string>

namespace agones::plugin::library_state {

// What gRPC needs to be started and does not survive the lack of: checked, and the threads kept for it, before a client
// is made. Nothing is left behind if it throws: std::bad_alloc, or StatusError with words for the host.
void prepare();
// gRPC is started: what was kept for its start alone is given back.
void prepared() noexcept;
// Sees to it that the next thread that gRPC starts is there. False if there is none to be had; to be tried again.
bool keep_spare_thread() noexcept;
// Threads that are still kept and nobody will need end.
void release_spare_threads() noexcept;

void client_made();
void client_freed();
int clients();

// This is a child of a process that had clients when it was forked: gRPC's state is that of threads that are not there.
bool forked_with_clients();

// Threads that were started and have not ended yet.
int live_threads();
// Their names, for a message: "grpc_global_timer, event_engine".
std::string live_thread_names();

// One of those threads can't be ended and is left to itself; it says when it ends. No client waits for it, but the library can't
// be unmapped before.
void thread_left() noexcept;
void left_thread_ends() noexcept;
// Live threads but those.
int threads_to_wait_for();

// The end of a client's connections, made or only begun, on its link's thread: gRPC can't be told to give up an attempt that gets no
// answer. What code on this thread connected is the client's; what gRPC's own threads did, too, where no other client is left.
// As long as this lives they connect no more.
class ConnectionsEnd {
 public:
  ConnectionsEnd() noexcept;
  ~ConnectionsEnd();
  ConnectionsEnd(const ConnectionsEnd&) = delete;
  ConnectionsEnd& operator=(const ConnectionsEnd&) = delete;

  // Whoever waits for them is told by the system, and closes them.
  void break_off() noexcept;
};

}  // namespace agones::plugin::library_state
