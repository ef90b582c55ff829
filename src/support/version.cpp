#include "support/version.h"

// ProgramCommit() and ProgramDate() are in a file that the build makes of
// scripts/cmake/commit.cpp.in.

namespace wavemt {

std::string_view ProgramVersion() { return WAVEMT_VERSION; }

std::string CompilerName() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

std::string_view SentencePieceVersion() { return WAVEMT_SENTENCEPIECE_VERSION; }

}  // namespace wavemt
