// SPDX-License-Identifier: Apache-2.0
// What both replays share: how recorded messages are compared with others.
#pragma once

#include <allocation/processor.pb.h>

#include <string>
#include <vector>

#include "behaviour/transcript.h"

namespace agones::test {

// All transcripts; AGONES_WIRE_FOLDER.
std::vector<Transcript> read_transcripts();

allocation::ProcessorMessage parsed(const std::string& bytes);

// Ids are compared, too. Which of several requests of a batch gets which server may differ; the servers are those of the transcript.
std::string difference(const allocation::BatchResponse& expected, const allocation::BatchResponse& actual,
                       const Transcript& transcript);

}  // namespace agones::test
