// SPDX-License-Identifier: Apache-2.0
#include "host/shared_plugins.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "loader/library_file.h"
#include "loader/library_path.h"
#include "platform/client_count.h"

namespace agones::host {

namespace {

// Where a file is, whatever its name.
using Place = std::pair<dev_t, ino_t>;

struct Loaded {
  Place place;
  std::weak_ptr<Library> library;
};

// Under it shares are given out and taken back.
std::mutex g_mutex;
std::vector<Loaded> g_loaded;  // each with a share at least
plugin::ClientCount g_clients;

}  // namespace

SharedPlugin::SharedPlugin(const std::string& name, const LoadOptions& options) {
  const std::string file = library_file(name);
  const std::lock_guard<std::mutex> lock(g_mutex);
  struct stat info {};
  const Place place = stat(file.c_str(), &info) == 0 ? Place(info.st_dev, info.st_ino) : Place();
  for (const Loaded& loaded : g_loaded) {
    std::shared_ptr<Library> library = loaded.library.lock();
    // A file that was written to since is another one, whatever its size and time say.
    if (loaded.place == place && LibraryFile(file, options).sha256() == library->sha256()) {
      library_ = std::move(library);
      return;
    }
  }
  library_ = Library::load(file, options);
  g_loaded.push_back({place, library_});
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
