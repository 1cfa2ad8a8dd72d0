// SPDX-License-Identifier: Apache-2.0
// What is true of the mapped host library as a whole, and of no client: how many there are, and which plugins are loaded.
// Its only mutable global state.
#pragma once

#include <agones/library.hpp>
#include <memory>
#include <string>

namespace agones::host {

// One client's share in a loaded plugin. Clients of the same file share it, as they would without the host library; with
// the last share it is unloaded.
class SharedPlugin {
 public:
  // Throws LibraryError.
  SharedPlugin(const std::string& name, const LoadOptions& options);
  ~SharedPlugin() { release(); }
  SharedPlugin(SharedPlugin&& other) noexcept = default;
  SharedPlugin& operator=(SharedPlugin&&) = delete;

  Library* operator->() const { return library_.get(); }

  // Gives the share back: empty, or what keeps the library mapped.
  std::string release();

 private:
  std::shared_ptr<Library> library_;
};

void client_made();
void client_freed();
int clients();
bool forked_with_clients();

}  // namespace agones::host
