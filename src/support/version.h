#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// The program's version: "0.2.0".
std::string_view ProgramVersion();

/// The commit that the program was built from, as `git describe --always --dirty` names it:
/// "3f2c1aa", with "-dirty" behind it if files had changed since; "unknown" outside of a checkout.
std::string_view ProgramCommit();

/// The day of that commit: "2026-11-30"; empty if it is unknown.
std::string_view ProgramDate();

/// The compiler that built the program: "GCC 12.2.0".
std::string CompilerName();

/// The version of SentencePiece that the program was built with; empty if it is unknown.
std::string_view SentencePieceVersion();

}  // namespace wavemt
