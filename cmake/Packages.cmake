# Debian packages by CPack, from a build whose prefix is /usr; scripts/test-packages makes and tries them:
#   hyperconv          the program, the models it comes with, man page, bash completion
#   libhyperconv0.1    the shared library
#   libhyperconv-dev   what a program that is linked with it is built with
#   hyperconv-lab      the laboratory, where it is built
set(CPACK_PACKAGE_VENDOR hyperconv)
set(CPACK_PACKAGE_CONTACT "hyperconv maintainers <maintainers@hyperconv.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)

set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_COMPONENTS_ALL runtime library models development)
if(HYPERCONV_LABORATORY)
  list(APPEND CPACK_COMPONENTS_ALL laboratory)
endif()
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)

set(CPACK_COMPONENT_RUNTIME_GROUP program)
set(CPACK_COMPONENT_MODELS_GROUP program)
set(CPACK_COMPONENT_LIBRARY_GROUP library)
set(CPACK_COMPONENT_DEVELOPMENT_GROUP development)
set(CPACK_COMPONENT_LABORATORY_GROUP laboratory)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME hyperconv)
if(HYPERCONV_LENSFUN)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS liblensfun-data-v1)
endif()
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libhyperconv${soversion})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS hyperconv)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libhyperconv-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libhyperconv${soversion} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_LABORATORY_PACKAGE_NAME hyperconv-lab)
set(CPACK_DEBIAN_LABORATORY_PACKAGE_SECTION science)
set(CPACK_DEBIAN_LABORATORY_PACKAGE_DEPENDS "hyperconv (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_LABORATORY_PACKAGE_SUGGESTS gnuplot-nox)

include(CPack)
cpack_add_component_group(program)
cpack_add_component_group(library)
cpack_add_component_group(development)
cpack_add_component_group(laboratory)
