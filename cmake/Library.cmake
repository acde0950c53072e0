# The library for other programs: the product's rooms in one, with the public headers' symbols.
#
#   hyperconv::hyperconv    the same name by find_package and by add_subdirectory

set(library_rooms base image raw metrics network engine pipeline)

# The headers that are installed.
set(public_headers
    denoise.hpp
    develop.hpp
    engine.hpp
    error.hpp
    export.hpp
    graph.hpp
    image.hpp
    model.hpp
    mosaic.hpp
    mosaic_noise.hpp
    tensor.hpp)
list(TRANSFORM public_headers PREPEND ${PROJECT_SOURCE_DIR}/include/hyperconv/)

add_library(hyperconv_library SHARED)
add_library(hyperconv::hyperconv ALIAS hyperconv_library)
foreach(room ${library_rooms})
  target_sources(hyperconv_library PRIVATE $<TARGET_OBJECTS:hyperconv_${room}>)
  # For what the rooms themselves link.
  target_link_libraries(hyperconv_library PRIVATE hyperconv_${room})
endforeach()
target_sources(hyperconv_library PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES
                                        ${public_headers})
target_compile_features(hyperconv_library PUBLIC cxx_std_20)
set_target_properties(
  hyperconv_library
  PROPERTIES OUTPUT_NAME hyperconv
             EXPORT_NAME hyperconv
             LINKER_LANGUAGE CXX
             VERSION ${PROJECT_VERSION}
             # Before 1.0 a minor version may change what programs were linked with.
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
             LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
target_link_options(hyperconv_library PRIVATE -Wl,--no-undefined -Wl,--as-needed)

# A build has the models where an installed tree has them.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/hyperconv)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/models ${PROJECT_BINARY_DIR}/share/hyperconv/models SYMBOLIC)
