// SPDX-License-Identifier: Apache-2.0
// Weak references of the archives that nothing in the libraries fulfils: the host is not to fulfil them either, with what its own
// gRPC or abseil has under these names. The test packages.exports fails when there is one more.
#define OWN(name)                                                     \
  extern void name(void) __attribute__((weak, visibility("hidden"))); \
  __attribute__((used)) static void (*const reference_##name)(void) = name

OWN(_ZTHN4absl7debian313cord_internal17cordz_next_sampleE);
OWN(_ZTHN9grpc_core26ApplicationCallbackExecCtx18callback_exec_ctx_E);
OWN(_ZTHN9grpc_core7ExecCtx9exec_ctx_E);
OWN(_ZTHN9grpc_core8Activity19g_current_activity_E);
OWN(__cxa_pure_virtual);
