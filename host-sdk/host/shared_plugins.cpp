// SPDX-License-Identifier: Apache-2.0
#include "host/shared_plugins.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "loader/trust.h"
#include "platform/client_count.h"

namespace agones::host {

namespace {

// What a file is, whatever its name.
using Identity = std::tuple<dev_t, ino_t, off_t, decltype(timespec::tv_sec), decltype(timespec::tv_nsec)>;

struct Loaded {
  Identity identity;
  std::weak_ptr<Library> library;
};

// Under it shares are given out and taken back.
std::mutex g_mutex;
std::vector<Loaded> g_loaded;  // each with a share at least
plugin::ClientCount g_clients;

Identity identity_of(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

}  // namespace

SharedPlugin::SharedPlugin(const std::string& file, const LoadOptions& options) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  struct stat info {};
  const bool there = stat(file.c_str(), &info) == 0;
  for (const Loaded& loaded : g_loaded) {
    std::shared_ptr<Library> library = loaded.library.lock();
    const bool pinned_otherwise = !options.sha256.empty() && options.sha256 != library->sha256();
    if (there && loaded.identity == identity_of(info) && !pinned_otherwise) {
      check_trust(file, info, options);
      library_ = std::move(library);
      return;
    }
  }
  library_ = Library::load(file, options);
  if (there) {
    g_loaded.push_back({identity_of(info), library_});
  }
}

std::string SharedPlugin::release() {
  std::shared_ptr<Library> last;
  {
    // Decided under the lock, so that nobody is given a plugin that is about to go.
    const std::lock_guard<std::mutex> lock(g_mutex);
    last = std::exchange(library_, nullptr);
    if (last == nullptr) {
      return {};
    }
    if (last.use_count() > 1) {
      last.reset();
      return "other clients use it";
    }
    g_loaded.erase(std::remove_if(g_loaded.begin(), g_loaded.end(),
                                  [&](const Loaded& loaded) { return loaded.library.lock() == last; }),
                   g_loaded.end());
  }
  // This may take seconds.
  return last->unload();
}

void client_made() {
  g_clients.made();
}

void client_freed() {
  g_clients.freed();
}

int clients() {
  return g_clients.count();
}

bool forked_with_clients() {
  return g_clients.forked_with_clients();
}

}  // namespace agones::host
