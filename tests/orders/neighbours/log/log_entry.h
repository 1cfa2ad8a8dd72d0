// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace agones::plugin {

struct LogEntry {};

}  // namespace agones::plugin
