// SPDX-License-Identifier: Apache-2.0
// What Agones refuses, in its words.
#pragma once

#include <allocation/allocation.pb.h>

#include <string>
#include <vector>

namespace agones::local {

// The INVALID_ARGUMENT's message; empty for a good request. Where Agones walks a map in any order, this goes by key.
std::string validate(const allocation::AllocationRequest& request);

// Why the first bad requirement of a label selector is bad, in the order in which Kubernetes looks at them; empty if
// none is.
std::string problem_of_label_selector(const allocation::GameServerSelector& selector);
std::string problem_of_label_selector(const allocation::LabelSelector& selector);

// One error as it is, several as "[a, b]"; each text once.
std::string joined(const std::vector<std::string>& errors);

}  // namespace agones::local
