# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the plugin, the host SDK with its CMake package and pkg-config file,
# and the programs.
include(CMakePackageConfigHelpers)

set(package agones-processor)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/${package})

install(TARGETS agones_processor LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT plugin NAMELINK_COMPONENT host-sdk)
install(TARGETS processor_header processor_host EXPORT ${package} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                                          COMPONENT plugin NAMELINK_COMPONENT host-sdk)
# The C++ client as sources: it is the user's compiler, C++ library and Boost that must fit.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/host-sdk/client ${PROJECT_SOURCE_DIR}/host-sdk/loader
        DESTINATION ${CMAKE_INSTALL_DATADIR}/${package} COMPONENT host-sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/host-sdk/include/agones DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT host-sdk)
install(EXPORT ${package} NAMESPACE agones:: DESTINATION ${package_dir} COMPONENT host-sdk)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/agones-processor-config.cmake.in
                              ${PROJECT_BINARY_DIR}/agones-processor-config.cmake INSTALL_DESTINATION ${package_dir}
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/agones-processor-config-version.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/agones-processor-config.cmake
              ${PROJECT_BINARY_DIR}/agones-processor-config-version.cmake
        DESTINATION ${package_dir} COMPONENT host-sdk)
configure_file(${CMAKE_CURRENT_LIST_DIR}/agones-processor.pc.in ${PROJECT_BINARY_DIR}/agones-processor.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/agones-processor.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT host-sdk)
install(TARGETS agones-processor-check RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
if(AGONES_BUILD_SAMPLE_HOST)
  install(TARGETS local-processor game-host RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
endif()
