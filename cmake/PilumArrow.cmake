# Arrow C++ as the targets pilum::arrow and pilum::arrow_compute.
#
# An installed Arrow (find_package) serves C++ users; otherwise the headers and libraries of the
# pyarrow wheel of ${Python_EXECUTABLE} are used, which is what the Python package links against. With
# PILUM_ARROW_FROM_PYARROW only these are. PILUM_ARROW_SOURCE ("system" or "pyarrow") and PILUM_ARROW_MAJOR tell
# which Arrow it is.

if(NOT PILUM_ARROW_FROM_PYARROW)
  find_package(Arrow QUIET)
  find_package(ArrowCompute QUIET)
endif()

# Imported, so that the installed package makes them anew instead of exporting this machine's paths.
add_library(pilum_arrow INTERFACE IMPORTED GLOBAL)
add_library(pilum_arrow_compute INTERFACE IMPORTED GLOBAL)
if(Arrow_FOUND AND ArrowCompute_FOUND)
  set(PILUM_ARROW_SOURCE system)
  string(REGEX MATCH "^[0-9]+" PILUM_ARROW_MAJOR "${ARROW_VERSION}")
  message(STATUS "Arrow ${ARROW_VERSION} from ${Arrow_DIR}")
  target_link_libraries(pilum_arrow INTERFACE Arrow::arrow_shared)
  target_link_libraries(pilum_arrow_compute INTERFACE ArrowCompute::arrow_compute_shared)
else()
  find_package(Python 3.10 REQUIRED COMPONENTS Interpreter)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import pyarrow as a; print(a.__version__.split('.')[0], a.get_include(), a.get_library_dirs()[0], sep=';')"
    OUTPUT_VARIABLE _pyarrow OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(PILUM_ARROW_SOURCE pyarrow)
  list(GET _pyarrow 0 PILUM_ARROW_MAJOR)
  list(GET _pyarrow 1 _include)
  list(GET _pyarrow 2 PILUM_ARROW_LIBRARY_DIR)
  message(STATUS "Arrow ${PILUM_ARROW_MAJOR} from the pyarrow wheel in ${PILUM_ARROW_LIBRARY_DIR}")
  target_include_directories(pilum_arrow SYSTEM INTERFACE "${_include}")
  target_link_libraries(pilum_arrow INTERFACE "${PILUM_ARROW_LIBRARY_DIR}/libarrow.so.${PILUM_ARROW_MAJOR}00")
  target_link_libraries(pilum_arrow_compute INTERFACE
    "${PILUM_ARROW_LIBRARY_DIR}/libarrow_compute.so.${PILUM_ARROW_MAJOR}00")
endif()
target_link_libraries(pilum_arrow_compute INTERFACE pilum_arrow)
