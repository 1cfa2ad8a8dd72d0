// SPDX-License-Identifier: Apache-2.0
// The fields of proc_config as one table: names, defaults, ranges; setting them by name. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "agones/processor.h"
#include "base/result.h"
#include "contract/config_numbers.h"

namespace agones::plugin {

// The defaults of contract/config_table.inc.
proc_config default_config();

// As long as this version's struct: what a host does not have gets its default.
proc_config complete_config(const proc_config& config);

// Whether each number is in its range, each text is one. `config` is complete (as long as this version's struct).
Result check_config(const proc_config& config);

// Every text, those in reserve too.
std::vector<proc_text*> config_texts(proc_config& config);

// As proc_config_set.
Result set_config_field(proc_config& config, const char* name, const char* value);
// As proc_config_clear.
void clear_config_texts(proc_config& config);

}  // namespace agones::plugin
