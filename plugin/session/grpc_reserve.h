// SPDX-License-Identifier: Apache-2.0
// What a client holds of the library (platform/library_state.h) from before there is anything of gRPC until all of it is gone.
#pragma once

namespace agones::plugin {

// What gRPC does not survive the lack of, taken before it is started: failing is still possible then.
class GrpcReserve {
 public:
  // Throws std::bad_alloc, StatusError.
  GrpcReserve();
  ~GrpcReserve();
  GrpcReserve(const GrpcReserve&) = delete;
  GrpcReserve& operator=(const GrpcReserve&) = delete;
};

// One of the library's clients.
class ClientCounted {
 public:
  ClientCounted();
  ~ClientCounted();
  ClientCounted(const ClientCounted&) = delete;
  ClientCounted& operator=(const ClientCounted&) = delete;
};

}  // namespace agones::plugin
