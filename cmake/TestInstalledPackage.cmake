# Installs into a folder of its own, builds examples/cpp against that alone, and runs it.
set(prefix ${BUILD_DIR}/installed)
set(build ${BUILD_DIR}/installed_example)
file(REMOVE_RECURSE ${prefix} ${build})
set(configure ${CMAKE_COMMAND} -S ${SOURCE_DIR}/examples/cpp -B ${build} -DCMAKE_PREFIX_PATH=${prefix}
    -DCMAKE_BUILD_TYPE=Release)
foreach(command
    "${CMAKE_COMMAND};--install;${BUILD_DIR};--component;cpp;--prefix;${prefix}"
    "${configure};-DPython_EXECUTABLE=${Python_EXECUTABLE}"
    "${CMAKE_COMMAND};--build;${build}"
    "${build}/read_table;${SOURCE_DIR}/examples/data/digits.lance;label = 3"
    "${build}/shuffle_table;${SOURCE_DIR}/examples/data/digits.lance"
    "${build}/stream_epoch;${SOURCE_DIR}/examples/data/digits.lance")
  execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# Another Arrow than the one it was built with is refused: here a Python that says so of its pyarrow.
if(PILUM_ARROW_SOURCE STREQUAL "pyarrow")
  file(REMOVE_RECURSE ${build})
  file(WRITE ${prefix}/other_python
       "#!/bin/sh\ncase \"$*\" in *pyarrow*) echo '99;/i;/l' ;; *) exec ${Python_EXECUTABLE} \"$@\" ;; esac\n")
  file(CHMOD ${prefix}/other_python PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  execute_process(COMMAND ${configure} -DPython_EXECUTABLE=${prefix}/other_python
                  RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(status EQUAL 0 OR NOT errors MATCHES "Arrow 99")
    message(FATAL_ERROR "An Arrow of another version was not refused:\n${errors}")
  endif()
endif()
