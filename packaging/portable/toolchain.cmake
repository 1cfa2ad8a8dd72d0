# SPDX-License-Identifier: Apache-2.0
# A build for another machine, with Debian's cross compiler: -DAGONES_TRIPLET=aarch64-linux-gnu; with -DAGONES_SYSROOT=FOLDER
# the libraries are that root's (packaging/portable/make-sysroot).
set(CMAKE_SYSTEM_NAME Linux)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES AGONES_TRIPLET AGONES_SYSROOT)
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR ${AGONES_TRIPLET})
set(CMAKE_C_COMPILER ${AGONES_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${AGONES_TRIPLET}-g++)
