# SPDX-License-Identifier: Apache-2.0
# Every dependency and what it is for. packaging/install-dependencies names the same packages.
#
#   gRPC            the stream to the processor (plugin, linked static and hidden); the server side (local processor)
#   Protobuf        the contract, on the server side and in tests; the plugin reads and writes its bytes itself
#   RapidJSON       JSON requests, answers, events (plugin, header only)
#   Boost.Container vectors that need no memory while they are short (plugin, header only)
#   nlohmann-json   --json output, fleet files (sample host); tests
#   cpp-httplib     /metrics of game-host, the page of local-processor (sample host)
#   yaml-cpp        fleets as kubectl prints them (local processor)
#   Boost.Locale    UTF-8 (plugin, host library; header only)
#   Boost.DLL       loading the plugin (host SDK)
#   Boost.Log       the optional log sink (host SDK)
#   Boost.Program_options  command lines of the programs
#   GoogleTest      unit and contract tests
#   OpenSSL         SHA-256 of a plugin file (host SDK); TLS, for gRPC
#   zlib, c-ares, re2, abseil  what gRPC itself needs: shared, or in the portable build archives; abseil's base64 in tests

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
if(AGONES_PORTABLE)
  include(${CMAKE_CURRENT_LIST_DIR}/Portable.cmake)
endif()
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)
find_path(RAPIDJSON_INCLUDE rapidjson/reader.h REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Boost REQUIRED COMPONENTS filesystem log program_options system)
if(AGONES_BUILD_SAMPLE_HOST AND NOT AGONES_PORTABLE)
  pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
  pkg_check_modules(yaml_cpp REQUIRED IMPORTED_TARGET yaml-cpp)
endif()
if(AGONES_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

# The plugin's gRPC, as archives: their symbols stay inside the plugin. What they need stays shared, but in the portable build.
# The one place where the link line is put together.
pkg_check_modules(grpc_needs REQUIRED grpc++)
set(grpc_shared_needs ${grpc_needs_LIBRARIES})
set(own_grpc grpc++ grpc upb address_sorting gpr)
set(grpc_archives)
if(NOT AGONES_PLUGIN_SHARED_GRPC)
  list(REMOVE_ITEM grpc_shared_needs ${own_grpc})
  foreach(name ${own_grpc})
    find_library(archive_${name} NAMES lib${name}.a REQUIRED)
    list(APPEND grpc_archives ${archive_${name}})
  endforeach()
endif()
list(REMOVE_DUPLICATES grpc_shared_needs)

add_library(plugin_dependencies INTERFACE)
target_compile_definitions(plugin_dependencies INTERFACE $<$<BOOL:${AGONES_PLUGIN_SHARED_GRPC}>:PROC_SHARED_GRPC>)
# What serves and calls with Protobuf: the local processor, the programs, the tests.
add_library(full_grpc INTERFACE)
if(AGONES_PORTABLE)
  link_portable_grpc()
else()
  target_link_libraries(plugin_dependencies INTERFACE ${grpc_archives} ${grpc_shared_needs} Threads::Threads)
  target_link_libraries(full_grpc INTERFACE gRPC::grpc++ gRPC::grpc++_reflection)
endif()
