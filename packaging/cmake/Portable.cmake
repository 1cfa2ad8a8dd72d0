# SPDX-License-Identifier: Apache-2.0
# The portable build: the libraries and programs need libc alone. packaging/portable/README.md says what is taken from where.

set(rebuilt ${PROJECT_SOURCE_DIR}/build/portable-dependencies)
if(AGONES_TRIPLET)
  string(APPEND rebuilt -${AGONES_TRIPLET})
endif()
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/packaging/portable/build-dependencies ${rebuilt} ${AGONES_TRIPLET}
                COMMAND_ERROR_IS_FATAL ANY)

set(Boost_USE_STATIC_LIBS ON)
set(Protobuf_USE_STATIC_LIBS ON)
set(OPENSSL_CRYPTO_LIBRARY ${rebuilt}/lib/libcrypto.a)
set(OPENSSL_INCLUDE_DIR ${rebuilt}/include)

# No path of the machine is in what is built, so that two builds are the same.
add_compile_options(-ffile-prefix-map=${PROJECT_BINARY_DIR}=/usr/src/agones-processor/build
                    -ffile-prefix-map=${PROJECT_SOURCE_DIR}=/usr/src/agones-processor)
add_link_options(-static-libstdc++ -static-libgcc LINKER:--build-id=sha1 LINKER:--as-needed)

# For glibc 2.34, that of RHEL 9, Ubuntu 22.04, Debian 12, Amazon Linux 2023.
set(newer_in_glibc arc4random _dl_find_object)
add_library(older_glibc STATIC packaging/portable/older_glibc.c)
link_libraries($<BUILD_INTERFACE:older_glibc>)
foreach(function ${newer_in_glibc})
  # The archives that need it come last on the link line: it is taken in at once.
  add_link_options(LINKER:--wrap=${function},-u,__wrap_${function})
endforeach()

if(AGONES_BUILD_SAMPLE_HOST)
  find_library(archive_yaml_cpp NAMES libyaml-cpp.a REQUIRED)
  add_library(PkgConfig::yaml_cpp INTERFACE IMPORTED)
  target_link_libraries(PkgConfig::yaml_cpp INTERFACE ${archive_yaml_cpp})
  add_library(PkgConfig::httplib INTERFACE IMPORTED)
  target_link_libraries(PkgConfig::httplib INTERFACE ${rebuilt}/lib/libcpp-httplib.a)
  target_include_directories(PkgConfig::httplib INTERFACE ${rebuilt}/include)
endif()

# link_portable_grpc(): fills plugin_dependencies and full_grpc with archives.
macro(link_portable_grpc)
  set(grpc_needs_archives)
  foreach(name ${grpc_shared_needs})
    if(name MATCHES "^(atomic|rt|m|dl|pthread)$")
      continue()
    endif()
    set(archive_${name} ${rebuilt}/lib/lib${name}.a)
    if(NOT EXISTS ${archive_${name}})
      unset(archive_${name})
      find_library(archive_${name} NAMES lib${name}.a REQUIRED)
    endif()
    list(APPEND grpc_needs_archives ${archive_${name}})
  endforeach()
  find_library(archive_grpc++_reflection NAMES libgrpc++_reflection.a REQUIRED)
  target_link_libraries(plugin_dependencies INTERFACE -Wl,--start-group ${grpc_archives} ${grpc_needs_archives}
                                                      -Wl,--end-group Threads::Threads)
  target_link_libraries(full_grpc INTERFACE -Wl,--start-group ${archive_grpc++_reflection} ${grpc_archives} ${grpc_needs_archives}
                                            protobuf::libprotobuf -Wl,--end-group Threads::Threads)
endmacro()

# finish_portable(<target> [<part>]): what is linked into it is told in it, for packaging/versions (of the libraries, parts of
# packaging/portable/components.json); its debug information becomes a file of its own beside it.
function(finish_portable target)
  if(ARGC GREATER 1)
    set(note ${PROJECT_BINARY_DIR}/package-note-${ARGV1}.S)
    execute_process(
      COMMAND ${PROJECT_SOURCE_DIR}/packaging/portable/components ${rebuilt} ${ARGV1} ${AGONES_SYSROOT} --note ${PROJECT_VERSION}
      OUTPUT_FILE ${note} COMMAND_ERROR_IS_FATAL ANY)
    target_sources(${target} PRIVATE ${note})
  endif()
  add_custom_command(
    TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_OBJCOPY} --only-keep-debug --compress-debug-sections $<TARGET_FILE:${target}> $<TARGET_FILE_NAME:${target}>.debug
    COMMAND ${CMAKE_OBJCOPY} --strip-unneeded --add-gnu-debuglink=$<TARGET_FILE_NAME:${target}>.debug $<TARGET_FILE:${target}>
    WORKING_DIRECTORY $<TARGET_FILE_DIR:${target}>
    VERBATIM)
  install(FILES $<TARGET_FILE:${target}>.debug DESTINATION lib/debug COMPONENT debug)
endfunction()
