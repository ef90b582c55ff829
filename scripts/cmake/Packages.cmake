# `cpack --config build/release/CPackConfig.cmake` makes the Debian package of the component `wavemt`.
# scripts/package.sh calls it, and makes the Python wheel too. LibTorch is in neither.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME wavemt)
set(CPACK_PACKAGE_VENDOR "The wavemt authors")
set(CPACK_PACKAGE_CONTACT "The wavemt authors <authors@wavemt.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Trains Transformer translation models from the shell")
set(CPACK_PACKAGE_DESCRIPTION
    "wavemt trains Transformer translation models, resumes them exactly where they stopped, translates with
them and scores the result. It needs LibTorch, which is no part of this package: it takes that of an
active Python environment with the package torch, or what wavemt-fetch-libtorch installs.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};wavemt;wavemt;/")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/scripts/cmake/ArrangePackage.cmake)
# For that script, to which CPack gives all that is named like this.
set(CPACK_WAVEMT_SCRIPT ${CMAKE_SOURCE_DIR}/scripts/packages/arrange_deb.py)
set(CPACK_WAVEMT_BUILD ${CMAKE_BINARY_DIR})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# dpkg-shlibdeps has to see LibTorch's libraries too, although they are of no package.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${libtorch_lib})
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3-venv, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/scripts/packages/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
