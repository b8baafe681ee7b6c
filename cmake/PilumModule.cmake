# One folder of src/ is one static library. Its USES row is the module's row of the dependency table
# in docs/internals/architecture.md; tools/check_layers.py holds the includes to it.

# One precompiled header for all modules and tests: Arrow's headers dominate the compile time.
file(WRITE "${CMAKE_BINARY_DIR}/pch.cc" "")
add_library(pilum_pch OBJECT "${CMAKE_BINARY_DIR}/pch.cc")
target_link_libraries(pilum_pch PRIVATE pilum_flags pilum_arrow)
target_precompile_headers(pilum_pch PRIVATE
  <algorithm> <atomic> <cstdint> <functional> <map> <memory> <mutex> <optional> <span> <string>
  <string_view> <unordered_map> <utility> <vector> <arrow/api.h>)

# An executable compiled as the header was, which is position-independent code: clang refuses a mixture.
function(pilum_reuse_pch target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM pilum_pch)
endfunction()

# pilum_test_support(NAME USES library... SOURCES file...): the library pilum_NAME_test_support, which is not
# installed, with what the tests and fuzz targets of the module and of those above it share.
function(pilum_test_support name)
  cmake_parse_arguments(arg "" "" "USES;SOURCES" ${ARGN})
  list(TRANSFORM arg_USES APPEND _test_support)
  set(support pilum_${name}_test_support)
  if(arg_SOURCES)
    add_library(${support} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
    target_link_libraries(${support} PUBLIC pilum_${name} ${arg_USES} PRIVATE pilum_flags)
    target_precompile_headers(${support} REUSE_FROM pilum_pch)
  else()
    add_library(${support} INTERFACE)
    target_link_libraries(${support} INTERFACE pilum_${name} ${arg_USES})
  endif()
endfunction()

# pilum_module(NAME [USES module...] [LINKS third_party...] [TESTS_USE module...]): globs *.cc. *_test.cc become the
# program NAME_test, together with *_conformance.cc, *_benchmark.cc the program NAME_benchmark, fuzz.cc and
# fault_store.cc the test support; the others are the library.
function(pilum_module name)
  cmake_parse_arguments(arg "" "" "USES;LINKS;TESTS_USE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc"
       "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*/*.cc")
  set(tests ${sources})
  set(benchmarks ${sources})
  set(support ${sources})
  list(FILTER tests INCLUDE REGEX "_(test|conformance)\\.cc$")
  list(FILTER benchmarks INCLUDE REGEX "_benchmark\\.cc$")
  list(FILTER support INCLUDE REGEX "/(fuzz|fault_store)\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_(test|benchmark|conformance)|/fuzz|/fault_store)\\.cc$")
  list(TRANSFORM arg_USES PREPEND pilum_)
  list(TRANSFORM arg_TESTS_USE PREPEND pilum_)

  if(sources)
    add_library(pilum_${name} STATIC ${sources})
    target_link_libraries(pilum_${name} PUBLIC ${arg_USES} pilum_arrow ${arg_LINKS} Threads::Threads
                          PRIVATE $<BUILD_INTERFACE:pilum_flags>)
    target_include_directories(pilum_${name} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
    target_precompile_headers(pilum_${name} REUSE_FROM pilum_pch)
    set_property(GLOBAL APPEND PROPERTY PILUM_MODULES pilum_${name})
  endif()
  pilum_test_support(${name} USES ${arg_USES} SOURCES ${support})
  if(PILUM_BUILD_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE pilum_${name}_test_support ${arg_TESTS_USE} pilum_flags GTest::gmock
                          GTest::gtest_main)
    pilum_reuse_pch(${name}_test)
    target_compile_definitions(${name}_test PRIVATE PILUM_GOLDEN="${PROJECT_SOURCE_DIR}/tests/data/golden")
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60)
  endif()
  if(PILUM_BUILD_BENCHMARKS AND benchmarks)
    add_executable(${name}_benchmark ${benchmarks})
    target_link_libraries(${name}_benchmark PRIVATE pilum_${name} pilum_flags benchmark::benchmark_main)
    pilum_reuse_pch(${name}_benchmark)
  endif()
endfunction()

# pilum_kernels(MODULE STEM): STEM_scalar.cc, STEM_v3.cc and STEM_v4.cc hold the same loops for the build's
# baseline and two x86-64 levels; bytes/simd.h chooses among them at run time.
function(pilum_kernels module stem)
  set(files ${stem}_scalar.cc)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND files ${stem}_v3.cc ${stem}_v4.cc)
    set_source_files_properties(${stem}_v3.cc PROPERTIES COMPILE_OPTIONS "-O3;-march=x86-64-v3")
    set_source_files_properties(${stem}_v4.cc PROPERTIES COMPILE_OPTIONS "-O3;-march=x86-64-v4;-mprefer-vector-width=512")
  endif()
  set_source_files_properties(${stem}_scalar.cc PROPERTIES COMPILE_OPTIONS "-O3")
  set_source_files_properties(${files} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
