# The CMake package: find_package(pilum) gives the target pilum::pilum to C++ users.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY PILUM_MODULES)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pilum)
install(TARGETS pilum pilum_proto ${modules} EXPORT pilumTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/pilum DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp)
install(EXPORT pilumTargets NAMESPACE pilum:: DESTINATION ${package_dir} COMPONENT cpp)
install(FILES cmake/PilumArrow.cmake cmake/PilumThirdParty.cmake DESTINATION ${package_dir} COMPONENT cpp)
configure_package_config_file(cmake/pilumConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/pilumConfig.cmake"
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/pilumConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/pilumConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/pilumConfigVersion.cmake"
        DESTINATION ${package_dir} COMPONENT cpp)

# The example sees only what is installed, and is built without sanitizers.
if(PILUM_BUILD_TESTS AND NOT PILUM_SANITIZE)
  add_test(NAME installed_package
           COMMAND ${CMAKE_COMMAND}
             -D BUILD_DIR=${CMAKE_CURRENT_BINARY_DIR}
             -D SOURCE_DIR=${CMAKE_CURRENT_SOURCE_DIR}
             -D Python_EXECUTABLE=${Python_EXECUTABLE}
             -D PILUM_ARROW_SOURCE=${PILUM_ARROW_SOURCE}
             -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/TestInstalledPackage.cmake)
  if(PILUM_ARROW_SOURCE STREQUAL "pyarrow")
    add_test(NAME installed_arrow
             COMMAND ${CMAKE_COMMAND}
               -D BUILD_DIR=${CMAKE_CURRENT_BINARY_DIR}
               -D SOURCE_DIR=${CMAKE_CURRENT_SOURCE_DIR}
               -D GENERATOR=${CMAKE_GENERATOR}
               -D PILUM_ARROW_MAJOR=${PILUM_ARROW_MAJOR}
               -D PILUM_ARROW_LIBRARY_DIR=${PILUM_ARROW_LIBRARY_DIR}
               -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/TestInstalledArrow.cmake)
  endif()
endif()
