# SPDX-License-Identifier: Apache-2.0
# What holds for all of the project's own code. Generated code is compiled without it.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
add_compile_options(-ffunction-sections -fdata-sections)

if(AGONES_SANITIZER)
  add_compile_options(-fsanitize=${AGONES_SANITIZER} -fno-omit-frame-pointer -fno-sanitize-recover=undefined
                      # RapidJSON 1.1 adds to the null pointer of a stack that is empty.
                      $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=pointer-overflow>)
  add_link_options(-fsanitize=${AGONES_SANITIZER})
endif()

if(AGONES_SANITIZER MATCHES "thread")
  # Protobuf's maps have other members under ThreadSanitizer, but Debian's libprotobuf does not know of it. libstdc++ is to know.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-U__SANITIZE_THREAD__>)
  add_compile_definitions(_GLIBCXX_TSAN=1 AGONES_THREAD_SANITIZER=1)
endif()

add_library(project_options INTERFACE)
target_compile_options(project_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                                 $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
                                                 -Wno-psabi -Werror)
if(AGONES_SANITIZER MATCHES "thread")
  # gcc says that it can't instrument fences; the project has none, the libraries' headers do.
  target_compile_options(project_options INTERFACE -Wno-tsan)
endif()

# set_up_abi_library(<target> <version> <version script>): what the plugin and the host library have in common: nothing
# but the ABI is exported, under symbol versions; the SONAME has the major version.
function(set_up_abi_library target version exports)
  target_compile_definitions(${target} PRIVATE PROC_BUILDING_LIBRARY PROC_LIBRARY_VERSION="${version}")
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/plugin)
  target_link_libraries(${target} PRIVATE project_options)
  target_link_options(
    ${target}
    PRIVATE
    LINKER:--version-script=${exports}
    LINKER:--exclude-libs,ALL
    LINKER:--gc-sections
    LINKER:--as-needed
    LINKER:-z,relro,-z,now)
  if(AGONES_PORTABLE)
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/packaging/portable/own_unwinder.c
                                     ${PROJECT_SOURCE_DIR}/packaging/portable/own_weak.c)
  endif()
  if(NOT AGONES_SANITIZER)
    # A sanitizer's runtime is resolved from the executable.
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${exports} VERSION ${version}
                                             SOVERSION ${PROJECT_VERSION_MAJOR})
endfunction()
