// SPDX-License-Identifier: Apache-2.0
// What gRPC brings and the plugin never uses: xDS and other load balancers, DNS resolvers (the plugin resolves by itself and dials
// addresses), cloud credentials. The link line (plugin/CMakeLists.txt) sends gRPC's own calls here, so that the linker leaves
// out what would have answered them, a quarter of the library. With another gRPC, whose internal names differ, it is larger again, no more.

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {

// grpc_core::Register...(CoreConfiguration::Builder*)
#define TRIMMED_REGISTRATION(name)   \
  void __wrap_##name(void* builder); \
  void __wrap_##name(void* /*builder*/) {}

TRIMMED_REGISTRATION(_ZN9grpc_core19RegisterRlsLbPolicyEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core20RegisterExtraFiltersEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core20RegisterFakeResolverEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core20RegisterGrpcLbPolicyEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core23RegisterAresDnsResolverEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core24RegisterPriorityLbPolicyEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core24RegisterRingHashLbPolicyEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core25RegisterNativeDnsResolverEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core28FaultInjectionFilterRegisterEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core30RegisterWeightedTargetLbPolicyEPNS_17CoreConfiguration7BuilderE)
TRIMMED_REGISTRATION(_ZN9grpc_core32RegisterOutlierDetectionLbPolicyEPNS_17CoreConfiguration7BuilderE)

// Of gRPC's C API; nobody in the library calls them. Null is its "cannot be made".
#define TRIMMED_CREDENTIALS(name) \
  void* __wrap_##name();          \
  void* __wrap_##name() {         \
    return nullptr;               \
  }

TRIMMED_CREDENTIALS(grpc_access_token_credentials_create)
TRIMMED_CREDENTIALS(grpc_alts_credentials_client_options_create)
TRIMMED_CREDENTIALS(grpc_alts_credentials_create)
TRIMMED_CREDENTIALS(grpc_alts_server_credentials_create)
TRIMMED_CREDENTIALS(grpc_external_account_credentials_create)
TRIMMED_CREDENTIALS(grpc_google_compute_engine_credentials_create)
TRIMMED_CREDENTIALS(grpc_google_default_credentials_create)
TRIMMED_CREDENTIALS(grpc_google_iam_credentials_create)
TRIMMED_CREDENTIALS(grpc_google_refresh_token_credentials_create)
TRIMMED_CREDENTIALS(grpc_local_credentials_create)
TRIMMED_CREDENTIALS(grpc_service_account_jwt_access_credentials_create)
TRIMMED_CREDENTIALS(grpc_sts_credentials_create)
TRIMMED_CREDENTIALS(grpc_xds_credentials_create)

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
