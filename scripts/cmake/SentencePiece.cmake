# Defines the target SentencePiece::SentencePiece, with the trainer. Its pkg-config file is not used:
# that of Ubuntu 24.04 and Debian 13 wants protobuf's development files, of which we need nothing.
if(TARGET SentencePiece::SentencePiece)
  return()
endif()
find_path(SENTENCEPIECE_INCLUDE sentencepiece_processor.h REQUIRED)
find_library(SENTENCEPIECE_LIBRARY sentencepiece REQUIRED)
find_library(SENTENCEPIECE_TRAIN_LIBRARY sentencepiece_train REQUIRED)
add_library(SentencePiece::SentencePiece INTERFACE IMPORTED)
target_include_directories(SentencePiece::SentencePiece SYSTEM INTERFACE ${SENTENCEPIECE_INCLUDE})
target_link_libraries(SentencePiece::SentencePiece
                      INTERFACE ${SENTENCEPIECE_TRAIN_LIBRARY} ${SENTENCEPIECE_LIBRARY})
