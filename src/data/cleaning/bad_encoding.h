#pragma once

#include <string_view>

namespace wavemt {

/// Whether the text has the traces of a wrong encoding:
///   - bytes that are not UTF-8, or U+FFFD, which takes their place;
///   - control characters (U+0000 to U+001F, U+007F to U+009F) other than tabs;
///   - UTF-8 that was read as Latin-1 or Windows-1252, so that "ä" became "Ã¤".
///
/// For the last of these, a *disguised character* is a run of characters whose Windows-1252 bytes
/// are the UTF-8 of one character. Real text can have such runs by chance: German "Spaß“", French
/// "voilà »" with a no-break space, Czech "VÝŠKA", "NESCAFÉ®". So one alone is a trace only if
///   - it is "Â" or "Ã" with a character that does not follow a word: "Ã¤", "Ã©", "Â°";
///   - it is "Â" or "Ã" with a quotation mark, a dash, an ellipsis or a no-break space, and stands
///     where a capital cannot ("voilÃ\u00A0", "Ã–sterreich", "prix :Â\u00A0");
///   - a lower-case letter precedes its capital: "vÅ¡e";
///   - it is one of "â€™" and its likes (punctuation, the euro, the trade mark, arrows), "áº¿" or
///     "á»‡" (Vietnamese), "ðŸ˜€" (emoji), "ï»¿" (a byte order mark), "ï¿½" (U+FFFD).
/// Two side by side always are: "Ð¿Ñ€Ð¸", "ä¸­æ–‡".
///
/// Text that was mistaken for other encodings, such as GBK, is not found.
bool HasBadEncoding(std::string_view text);

}  // namespace wavemt
