// SPDX-License-Identifier: Apache-2.0
// Failures of what the process gives: the n-th time that the plugin asks for memory, a thread, a descriptor or a mapping, it
// gets none. This program's own operator new, pthread_create, socket, eventfd, epoll_create1, mmap and madvise stand before
// the real ones.
#pragma once

#include <cstddef>
#include <string>

namespace agones::test {

enum class Resource { kMemory, kThread, kDescriptor, kMapping };

// Which code of this file counts. Of memory and mappings, what the plugin's own code asks for: gRPC's ends the process by itself
// when it gets none, and nothing outside of it can change that.
void watch_plugin(const std::string& path);

// From the n-th request (from 1) on, `count` of them fail; of mappings, those that the thread asks for which calls this.
void fail(Resource resource, std::size_t n, std::size_t count);
// Nothing fails any more. Whether something did.
bool stop_failing();
// Who asked for the memory that was refused last, innermost first.
std::string last_refused();

}  // namespace agones::test
