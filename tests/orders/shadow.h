// SPDX-License-Identifier: Apache-2.0
// Included before code of the plugin's or the host library's: there `std::atomic`, `std::mutex` and, in the host library,
// `std::unique_ptr` then are the explorer's. Everything else of std is as it is. What that code includes of ours, and has no part
// in its orders, is in neighbours/, as small as it can be.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "orders/explorer.h"

namespace agones::plugin::std {
using namespace ::std;  // NOLINT(google-build-using-namespace)
template <typename T>
using atomic = orders::Atomic<T>;
using mutex = orders::Mutex;
}  // namespace agones::plugin::std

namespace agones::host::std {
using namespace ::std;  // NOLINT(google-build-using-namespace)
template <typename T>
using atomic = orders::Atomic<T>;
template <typename T>
using unique_ptr = orders::Owner<T>;
}  // namespace agones::host::std

namespace agones::plugin {
// Of the explorer's threads.
pthread_t pthread_self();
}  // namespace agones::plugin
