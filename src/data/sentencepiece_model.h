#pragma once

#include <set>
#include <string>
#include <string_view>

namespace wavemt {

/// Checks the bytes of a SentencePiece model before the library sees them. The library trusts its
/// models, so a malicious one could make it read out of bounds, exhaust memory or end the process:
/// with the table of character replacements, a double-array trie that the library uses unchecked,
/// or with NUL bytes in pieces. Throws a usage error, which begins with `origin`, if one of these
/// is not as SentencePiece writes it. The library checks the rest.
void CheckSentencePieceModel(std::string_view bytes, std::string_view origin);

/// The user-defined symbols of a model that has been checked: the pieces that are matched before
/// anything else and never become part of another one.
std::set<std::string, std::less<>> UserDefinedSymbols(std::string_view bytes);

}  // namespace wavemt
