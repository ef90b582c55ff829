# What `cmake --install build/release --prefix P` puts under P:
#   bin/wavemt
#   lib/libwavemt_core.a, include/wavemt, lib/cmake/wavemt    for find_package(wavemt)
#   lib/wavemt/libtorch                                       LibTorch, if it is installed too
#   share/wavemt/configs, share/wavemt/data/quickstart        what configs/quickstart.json needs
#   share/wavemt/scripts                                      what `wavemt export` runs or copies
#   share/doc/wavemt                                          licence and change log
#   share/man/man1, and completions for bash, zsh and fish    what ShellFiles.cmake made
# There are three components: `wavemt`, the program with its files; `development`, what
# find_package(wavemt) needs; and `libtorch`. Of the first the packages are made (Packages.cmake).
include(CMakePackageConfigHelpers)

set(WAVEMT_INSTALL_LIBTORCH AUTO CACHE STRING
    "Install LibTorch too: ON, OFF or AUTO, which is ON if it lies in the source tree")
set_property(CACHE WAVEMT_INSTALL_LIBTORCH PROPERTY STRINGS AUTO ON OFF)
set(installs_libtorch ${WAVEMT_INSTALL_LIBTORCH})
if(installs_libtorch STREQUAL AUTO)
  # The source tree may be removed after installation.
  cmake_path(IS_PREFIX CMAKE_SOURCE_DIR "${libtorch_root}" NORMALIZE installs_libtorch)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wavemt)
set(libtorch_dir ${CMAKE_INSTALL_LIBDIR}/wavemt/libtorch)
if(installs_libtorch)
  set(libtorch_for_package "\${PACKAGE_PREFIX_DIR}/${libtorch_dir}")
  file(RELATIVE_PATH libtorch_from_program /${CMAKE_INSTALL_BINDIR} /${libtorch_dir}/lib)
  set_target_properties(wavemt PROPERTIES INSTALL_RPATH "$ORIGIN/${libtorch_from_program}")
  # Leaves out what only its Python interface and its own tests need.
  install(
    DIRECTORY ${libtorch_root}/lib DESTINATION ${libtorch_dir} USE_SOURCE_PERMISSIONS
    COMPONENT libtorch FILES_MATCHING
    PATTERN "*.so*"
    PATTERN "libtorch_python*" EXCLUDE
    PATTERN "libshm*" EXCLUDE
    PATTERN "*_test.so" EXCLUDE
    PATTERN "libbackend_with_compiler.so" EXCLUDE
    PATTERN "libaoti_custom_ops.so" EXCLUDE)
  install(DIRECTORY ${libtorch_root}/include DESTINATION ${libtorch_dir} COMPONENT libtorch)
  # A Python package for GPUs looks for CUDA's libraries in a folder next to its own.
  get_filename_component(libtorch_siblings ${libtorch_root} DIRECTORY)
  if(EXISTS ${libtorch_siblings}/nvidia)
    install(
      DIRECTORY ${libtorch_siblings}/nvidia DESTINATION ${CMAKE_INSTALL_LIBDIR}/wavemt
      USE_SOURCE_PERMISSIONS COMPONENT libtorch FILES_MATCHING PATTERN "*.so*")
  endif()
else()
  set(libtorch_for_package ${libtorch_root})
  set_target_properties(wavemt PROPERTIES INSTALL_RPATH ${libtorch_root}/lib)
endif()

install(TARGETS wavemt RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT wavemt)
install(TARGETS wavemt_core EXPORT wavemtTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                         COMPONENT development)
install(
  DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wavemt COMPONENT development
  FILES_MATCHING
  PATTERN "*.h"
  PATTERN commands EXCLUDE
  PATTERN server EXCLUDE)

install(EXPORT wavemtTargets NAMESPACE wavemt:: DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(scripts/cmake/wavemtConfig.cmake.in wavemtConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(wavemtConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${CMAKE_BINARY_DIR}/wavemtConfig.cmake
        ${CMAKE_BINARY_DIR}/wavemtConfigVersion.cmake
        scripts/cmake/LibTorch.cmake
        scripts/cmake/SentencePiece.cmake
        scripts/cmake/SystemFmt.cmake
        scripts/cmake/Zstd.cmake
  DESTINATION ${package_dir} COMPONENT development)

install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/wavemt COMPONENT wavemt)
install(DIRECTORY data/quickstart DESTINATION ${CMAKE_INSTALL_DATADIR}/wavemt/data COMPONENT wavemt)
install(PROGRAMS scripts/to_ctranslate2.py scripts/torch_translate.py
        DESTINATION ${CMAKE_INSTALL_DATADIR}/wavemt/scripts COMPONENT wavemt)
install(FILES LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT wavemt)

# ShellFiles.cmake makes none in a build with a sanitizer.
if(NOT WAVEMT_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  set(shell_files ${CMAKE_BINARY_DIR}/shell)
  install(DIRECTORY ${shell_files}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT wavemt)
  install(FILES ${shell_files}/wavemt.bash RENAME wavemt COMPONENT wavemt
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${shell_files}/wavemt.zsh RENAME _wavemt COMPONENT wavemt
          DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${shell_files}/wavemt.fish COMPONENT wavemt
          DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
