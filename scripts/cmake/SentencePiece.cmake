# Defines the target SentencePiece::SentencePiece, with the trainer. Its pkg-config file is not used:
# that of Ubuntu 24.04 and Debian 13 wants protobuf's development files, of which we need nothing.
if(TARGET SentencePiece::SentencePiece)
  return()
endif()
find_path(SENTENCEPIECE_INCLUDE sentencepiece_processor.h REQUIRED)
find_library(SENTENCEPIECE_LIBRARY sentencepiece REQUIRED)
find_library(SENTENCEPIECE_TRAIN_LIBRARY sentencepiece_train REQUIRED)

# Only to say which one it is: the library itself does not tell, and not every system has this file.
set(SENTENCEPIECE_VERSION "")
get_filename_component(sentencepiece_folder ${SENTENCEPIECE_LIBRARY} DIRECTORY)
if(EXISTS ${sentencepiece_folder}/pkgconfig/sentencepiece.pc)
  file(STRINGS ${sentencepiece_folder}/pkgconfig/sentencepiece.pc sentencepiece_line REGEX "^Version:")
  string(REGEX MATCH "[0-9][0-9.]*" SENTENCEPIECE_VERSION "${sentencepiece_line}")
endif()

# Not in the library's headers, but all its builds for Linux so far export it.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES ${SENTENCEPIECE_LIBRARY})
check_cxx_source_compiles(
  "#include <random>
  namespace sentencepiece { namespace random { std::mt19937* GetRandomGenerator(); } }
  int main() { sentencepiece::random::GetRandomGenerator()->seed(1); }"
  SENTENCEPIECE_HAS_GENERATOR)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT SENTENCEPIECE_HAS_GENERATOR)
  message(FATAL_ERROR "${SENTENCEPIECE_LIBRARY} hides random::GetRandomGenerator(), which subword "
                      "sampling needs: take the SentencePiece of Debian or Ubuntu")
endif()

add_library(SentencePiece::SentencePiece INTERFACE IMPORTED)
target_include_directories(SentencePiece::SentencePiece SYSTEM INTERFACE ${SENTENCEPIECE_INCLUDE})
target_link_libraries(SentencePiece::SentencePiece
                      INTERFACE ${SENTENCEPIECE_TRAIN_LIBRARY} ${SENTENCEPIECE_LIBRARY})
