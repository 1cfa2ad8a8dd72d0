// SPDX-License-Identifier: Apache-2.0
// Counters and distributions in Prometheus' exposition format.
#pragma once

#include <string>

#include "agones/processor.h"

namespace agones::plugin {

// Either may be null. Both are complete (as long as this version's structs). `version`: of the library.
std::string prometheus_text(const proc_stats* stats, const proc_metrics* metrics, const char* version);

}  // namespace agones::plugin
