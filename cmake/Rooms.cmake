# One function makes a room: a static library `hyperconv_<name>` and, where tests are built, a
# program `<name>_tests` whose cases CTest knows one by one.
#
#   hyperconv_room(image SOURCES a.cpp b.cpp TESTS a_test.cpp LINKS hyperconv_base PkgConfig::X
#                  TEST_LINKS hyperconv_simulation)
#
# A room's headers are included as "image/a.hpp".

find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)

if(HYPERCONV_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

# What every target of ours is compiled with.
add_library(hyperconv_flags INTERFACE)
target_include_directories(hyperconv_flags INTERFACE ${PROJECT_SOURCE_DIR}/include
                                                     ${PROJECT_SOURCE_DIR}/src)
target_compile_options(
  hyperconv_flags
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
            $<$<BOOL:${HYPERCONV_WERROR}>:-Werror>
            # Contraction would make a seeded simulation depend on the machine; kernels ask for
            # fused multiply-add by name.
            -ffp-contract=off)
if(HYPERCONV_SANITIZE STREQUAL "address")
  set(sanitizers -fsanitize=address,undefined)
elseif(HYPERCONV_SANITIZE STREQUAL "thread")
  set(sanitizers -fsanitize=thread)
elseif(HYPERCONV_SANITIZE)
  message(FATAL_ERROR "HYPERCONV_SANITIZE is ${HYPERCONV_SANITIZE}; there are address and thread")
endif()
if(sanitizers)
  target_compile_options(hyperconv_flags INTERFACE ${sanitizers} -fno-sanitize-recover=all
                                                   -fno-omit-frame-pointer)
  # GCC 12 takes what a sanitizer adds for paths of ours and warns of sizes that cannot be (jpeg_bands.cpp,
  # png_rows.cpp). The builds without sanitizers keep these warnings.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(hyperconv_flags INTERFACE -Wno-array-bounds -Wno-stringop-overflow
                                                     -Wno-maybe-uninitialized)
  endif()
  target_link_options(hyperconv_flags INTERFACE ${sanitizers})
endif()

function(hyperconv_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;TESTS;LINKS;TEST_LINKS" ${ARGN})
  add_library(hyperconv_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(hyperconv_${name} PUBLIC hyperconv_flags fmt::fmt ${ROOM_LINKS})
  if(HYPERCONV_TESTS AND ROOM_TESTS)
    add_executable(${name}_tests ${ROOM_TESTS})
    target_link_libraries(${name}_tests PRIVATE hyperconv_${name} ${ROOM_TEST_LINKS} GTest::gmock
                                                GTest::gtest_main)
    # Every test starts with this large header.
    target_precompile_headers(${name}_tests PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
    # A test names the fields it is about and leaves the others at their defaults.
    target_compile_options(${name}_tests PRIVATE -Wno-missing-field-initializers)
    target_compile_definitions(${name}_tests
                               PRIVATE HYPERCONV_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    gtest_discover_tests(${name}_tests DISCOVERY_TIMEOUT 60 TEST_PREFIX "${name}.")
  endif()
endfunction()
