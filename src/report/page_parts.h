#pragma once

#include <string>
#include <string_view>

namespace wavemt {

// What the pages of reports have in common: HTML in one file, light or dark as the reader likes,
// and nothing is loaded from elsewhere.

/// The beginning of a page, with its title as a heading. `title` is plain text; `style`: rules of
/// CSS besides those of every page; `head`: further elements of its <head>.
std::string OpenPage(std::string_view title, std::string_view style = "",
                     std::string_view head = "");
std::string ClosePage();

/// A row of a table of names and texts; nothing if `text` is empty. `name` is HTML, `text` is
/// plain.
std::string PageRow(std::string_view name, std::string_view text);

/// A figure with a caption; kind: "grid", "chart", or "wide" for what must not shrink. `title` is
/// plain text, `content` HTML.
std::string Figure(std::string_view kind, std::string_view title, std::string_view content);

}  // namespace wavemt
