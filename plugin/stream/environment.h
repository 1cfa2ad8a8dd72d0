// SPDX-License-Identifier: Apache-2.0
// What the plugin reads of the environment. Variables that gRPC and what is linked in with it would read are meant for the
// host's own gRPC: the hidden one finds none of them (DESIGN.md, "The environment").
#pragma once

namespace agones::plugin {

// Null if it is not set, or if the process has more rights than who started it.
const char* environment(const char* variable);

}  // namespace agones::plugin
