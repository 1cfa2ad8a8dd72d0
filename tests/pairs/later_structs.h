/* SPDX-License-Identifier: Apache-2.0
 * The structs of a later version of the ABI. */
#pragma once

#include <agones/processor.h>

#define LATER(name)    \
  typedef struct {     \
    proc_##name known; \
    uint64_t later;    \
  } later_##name;

LATER(config)
LATER(request)
LATER(moved_request)
LATER(event)
LATER(log)
LATER(stats)
LATER(metrics)
#undef LATER
