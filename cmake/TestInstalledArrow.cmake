# Builds against an Arrow that find_package finds, and runs what was built. Debian has none, so a CMake package is made
# around the libraries of pyarrow; no Python is there to ask for these.
set(build ${BUILD_DIR}/with_installed_arrow)
file(REMOVE_RECURSE ${build})
foreach(package_target_library Arrow:arrow_shared:arrow ArrowCompute:arrow_compute_shared:arrow_compute)
  string(REPLACE ":" ";" names ${package_target_library})
  list(GET names 0 package)
  list(GET names 1 target)
  list(GET names 2 library)
  file(WRITE ${build}/arrow/${package}Config.cmake
       "set(ARROW_VERSION ${PILUM_ARROW_MAJOR}.0.0)\n"
       "add_library(${package}::${target} SHARED IMPORTED)\n"
       "set_target_properties(${package}::${target} PROPERTIES\n"
       "  IMPORTED_LOCATION ${PILUM_ARROW_LIBRARY_DIR}/lib${library}.so.${PILUM_ARROW_MAJOR}00\n"
       "  INTERFACE_INCLUDE_DIRECTORIES ${PILUM_ARROW_LIBRARY_DIR}/include)\n")
endforeach()
foreach(command
    "${CMAKE_COMMAND};-S;${SOURCE_DIR};-B;${build};-G;${GENERATOR};-DCMAKE_BUILD_TYPE=Release;-DPILUM_BUILD_TESTS=ON;-DArrow_DIR=${build}/arrow;-DArrowCompute_DIR=${build}/arrow;-DPython_EXECUTABLE=/no/python"
    "${CMAKE_COMMAND};--build;${build};--target;order_test"
    "${build}/src/order_test;--gtest_filter=RowOrder.*")
  execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
