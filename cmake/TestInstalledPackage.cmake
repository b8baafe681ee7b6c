# Installs into a folder of its own, builds examples/cpp against that alone, and runs it.
set(prefix ${BUILD_DIR}/installed)
set(build ${BUILD_DIR}/installed_example)
file(REMOVE_RECURSE ${prefix} ${build})
foreach(command
    "${CMAKE_COMMAND};--install;${BUILD_DIR};--component;cpp;--prefix;${prefix}"
    "${CMAKE_COMMAND};-S;${SOURCE_DIR}/examples/cpp;-B;${build};-DCMAKE_PREFIX_PATH=${prefix};-DCMAKE_BUILD_TYPE=Release;-DPython_EXECUTABLE=${Python_EXECUTABLE};-DPILUM_ARROW_FROM_PYARROW=${PILUM_ARROW_FROM_PYARROW}"
    "${CMAKE_COMMAND};--build;${build}"
    "${build}/read_table;${SOURCE_DIR}/examples/data/digits.lance;label = 3")
  execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
