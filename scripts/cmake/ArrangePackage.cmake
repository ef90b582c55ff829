# CPack runs this after it has installed the files into a folder of its own, and before it packs them.
find_program(WAVEMT_PYTHON3 python3 REQUIRED)
execute_process(
  COMMAND ${WAVEMT_PYTHON3} ${CPACK_WAVEMT_SCRIPT} ${CPACK_WAVEMT_BUILD}
          ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}
  RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "${CPACK_WAVEMT_SCRIPT} failed")
endif()
