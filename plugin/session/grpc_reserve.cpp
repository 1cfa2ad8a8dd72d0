// SPDX-License-Identifier: Apache-2.0
#include "session/grpc_reserve.h"

#include "platform/library_state.h"
#include "stream/grpc_runtime.h"

namespace agones::plugin {

GrpcReserve::GrpcReserve() {
  if (grpc_running()) {
    return;
  }
  try {
    library_state::prepare();
  } catch (...) {
    library_state::prepared();
    library_state::release_spare_threads();
    throw;
  }
}

GrpcReserve::~GrpcReserve() {
  library_state::prepared();
  if (library_state::clients() == 0) {
    library_state::release_spare_threads();
  }
}

ClientCounted::ClientCounted() {
  library_state::client_made();
}

ClientCounted::~ClientCounted() {
  library_state::client_freed();
}

}  // namespace agones::plugin
