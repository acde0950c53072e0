# cmake --install, by component:
#   runtime       the program, man page, bash completion
#   library       the shared library
#   models        the models that are shipped
#   development   headers, CMake's package, pkg-config
#   laboratory    hyperconv-lab and the layer's header for libtorch programs (src/lab_cli)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(
  TARGETS hyperconv_library
  EXPORT hyperconv
  LIBRARY COMPONENT library NAMELINK_COMPONENT development
  FILE_SET HEADERS COMPONENT development)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/hyperconv)
install(
  EXPORT hyperconv
  NAMESPACE hyperconv::
  FILE hyperconv-config.cmake
  DESTINATION ${package_folder}
  COMPONENT development)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hyperconv-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/hyperconv-config-version.cmake
  DESTINATION ${package_folder}
  COMPONENT development)

# Relative, so that an installed tree can be moved.
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/hyperconv.pc.in ${PROJECT_BINARY_DIR}/hyperconv.pc @ONLY)
install(
  FILES ${PROJECT_BINARY_DIR}/hyperconv.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)

file(GLOB models CONFIGURE_DEPENDS models/*.safetensors models/*.md)
install(
  FILES ${models}
  DESTINATION ${CMAKE_INSTALL_DATADIR}/hyperconv/models
  COMPONENT models)

# Where Debian looks for a package's terms.
foreach(package runtime:hyperconv library:libhyperconv development:libhyperconv-dev)
  string(REPLACE ":" ";" package ${package})
  list(GET package 0 component)
  list(GET package 1 name)
  install(
    FILES LICENSE
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name}
    RENAME copyright
    COMPONENT ${component})
endforeach()

if(HYPERCONV_PROGRAM)
  install(TARGETS hyperconv RUNTIME COMPONENT runtime)
  # From the program's own help.
  add_custom_command(
    OUTPUT ${PROJECT_BINARY_DIR}/hyperconv.1
    COMMAND hyperconv_manual > ${PROJECT_BINARY_DIR}/hyperconv.1
    VERBATIM)
  add_custom_target(manual_page ALL DEPENDS ${PROJECT_BINARY_DIR}/hyperconv.1)
  install(
    FILES ${PROJECT_BINARY_DIR}/hyperconv.1
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    COMPONENT runtime)
  install(
    FILES cmake/hyperconv.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME hyperconv
    COMPONENT runtime)
endif()

include(Packages)
