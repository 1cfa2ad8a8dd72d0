// SPDX-License-Identifier: Apache-2.0
// What is true of the mapped host library as a whole, and of no client: how many there are, and which plugins are loaded.
// Its only mutable global state.
#pragma once

#include <agones/library.hpp>
#include <memory>
#include <string>

namespace agones::host {

// Clients of the same file share the plugin that is loaded, as they would without the host library. Throws LibraryError.
std::shared_ptr<Library> load_plugin(const std::string& file, const LoadOptions& options);

void client_made();
void client_freed();
int clients();
bool forked_with_clients();

}  // namespace agones::host
