// SPDX-License-Identifier: Apache-2.0
// What is true of the mapped library as a whole: its threads and its clients. The only mutable global
// state of the plugin, because unmapping is a property of the library and of no client.
//
// Every thread that code in this library starts, gRPC's included, comes through __wrap_pthread_create
// (linked with --wrap=pthread_create): it is registered here and blocks all signals. A thread counts
// until the kernel has ended it, so that none can still be executing code that is unmapped.
//
// Likewise every epoll and event fd is registered: gRPC keeps one of each for the life of the process.
// They are closed when the library is unmapped, or each swap of a plugin would leak two.
#pragma once

#include <string>

namespace agones::plugin::library_state {

void client_made();
void client_freed();
int clients();

// Threads that were started and have not ended yet.
int live_threads();
// Their names, for a message: "grpc_global_timer, event_engine".
std::string live_thread_names();

}  // namespace agones::plugin::library_state
