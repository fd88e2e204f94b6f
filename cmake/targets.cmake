# What every target of ours has in common, and a one-line way to declare each kind.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

find_program(ccache_program ccache)
if(ccache_program)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${ccache_program}")
endif()

find_program(mold_program mold)
if(mold_program)
  add_link_options(-fuse-ld=mold)
endif()

add_library(sextant_options INTERFACE)
target_compile_options(sextant_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
# A sanitizer's checks mislead g++'s flow analysis (uninitialised, out of bounds): there its warnings only inform, and
# the release build, of the same files, is the judge.
if(CMAKE_CXX_FLAGS_RELWITHDEBINFO MATCHES "-fsanitize")
  target_compile_options(sextant_options INTERFACE -Wno-error)
endif()
target_compile_features(sextant_options INTERFACE cxx_std_23)
target_include_directories(sextant_options INTERFACE "${PROJECT_SOURCE_DIR}/include")

# sextant_library(NAME SOURCES … [LIBRARIES …]): libsextant_NAME, whose public headers are include/sextant/NAME.
function(sextant_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(sextant_${name} STATIC ${arg_SOURCES})
  target_link_libraries(sextant_${name} PUBLIC sextant_options ${arg_LIBRARIES})
endfunction()

# sextant_program(NAME SOURCES … [LIBRARIES …]): a program that `cmake --install` puts into bin.
function(sextant_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE sextant_options ${arg_LIBRARIES})
  target_compile_definitions(${name} PRIVATE SEXTANT_VERSION="${PROJECT_VERSION}")
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

foreach(suite unit simulation integration e2e fuzz)
  add_custom_target(${suite}_tests) # builds a suite alone
endforeach()

# sextant_test(SUITE NAME SOURCES … [LIBRARIES …] [TIMEOUT SECONDS]): one GoogleTest binary, one ctest entry labelled
# with its suite. Its own report, one line a TEST, lands in results/ and is what `./dev test` counts.
function(sextant_test suite name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  set(target ${suite}_${name}_test)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE sextant_options ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
  if(suite STREQUAL unit)
    target_compile_options(${target} PRIVATE -O0) # compiling a unit test costs more than running it
  endif()
  add_dependencies(${suite}_tests ${target})
  add_test(NAME ${suite}.${name} COMMAND ${target})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  set_tests_properties(${suite}.${name} PROPERTIES LABELS ${suite} TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/results/${suite}.${name}.xml")
endfunction()

# sextant_fuzz(NAME SOURCES … SEEDS FOLDER [LIBRARIES …]): a libFuzzer target that CI runs for a minute, from the inputs
# in that folder. Every input that once failed joins them.
option(SEXTANT_FUZZ "Build the fuzz targets; needs clang" OFF)
function(sextant_fuzz name)
  if(NOT SEXTANT_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "SEEDS" "SOURCES;LIBRARIES" ${ARGN})
  set(target fuzz_${name})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE sextant_options ${arg_LIBRARIES})
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}") # a parser's own header may be a private one
  add_dependencies(fuzz_tests ${target})
  set(found "${CMAKE_CURRENT_BINARY_DIR}/found/${name}")
  file(MAKE_DIRECTORY "${found}")
  add_test(NAME fuzz.${name} COMMAND ${target} -max_total_time=60 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
    "${found}" "${arg_SEEDS}")
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 180)
endfunction()
