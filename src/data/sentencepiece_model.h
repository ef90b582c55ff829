#pragma once

#include <string_view>

namespace wavemt {

/// Looks through the bytes of a SentencePiece model before the library gets them. The library
/// trusts a model in places where a stranger's could make it read outside its memory, take very
/// much of it or end the process: the table of character replacements, a double-array trie that is
/// used as it lies in the file, and pieces with NUL bytes. A usage error that begins with `origin`
/// where one of these is not as SentencePiece writes it; all else is left to the library.
void CheckSentencePieceModel(std::string_view bytes, std::string_view origin);

}  // namespace wavemt
