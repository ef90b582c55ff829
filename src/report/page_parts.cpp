#include "report/page_parts.h"

#include <fmt/format.h>

#include "report/html.h"

namespace wavemt {
namespace {

constexpr const char* kPageHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{3}<title>{0}</title>
<style>
{1}{2}</style>
</head>
<body>
<h1>{0}</h1>
)";

constexpr const char* kPageStyle =
    R"(:root { color-scheme: light dark; --text: #1b1f24; --page: #fff; --rule: #d5d9de; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e6ea; --page: #15181c; --rule: #3a4048; }
}
body { margin: 2rem auto; padding: 0 1rem; max-width: 80rem; color: var(--text);
       background: var(--page); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { padding: .2rem 1rem .2rem 0; text-align: left; vertical-align: top;
         border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; overflow-wrap: normal; }
.figures { display: grid; gap: 2rem; margin-top: 2rem;
           grid-template-columns: repeat(auto-fit, minmax(min(100%, 36rem), 1fr)); }
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: .5rem; }
svg { max-width: 100%; height: auto; font-size: 13px; }
image { image-rendering: pixelated; }
.wide { grid-column: 1 / -1; overflow-x: auto; }
.wide svg { max-width: none; }
@media print {
  :root { color-scheme: light; --text: #000; --page: #fff; --rule: #bbb; }
  body { margin: 0; max-width: none; }
  figure { break-inside: avoid; }
}
)";

}  // namespace

std::string OpenPage(std::string_view title, std::string_view style, std::string_view head) {
  return fmt::format(kPageHead, EscapeHtml(title), kPageStyle, style, head);
}

std::string ClosePage() { return "</body>\n</html>\n"; }

std::string PageRow(std::string_view name, std::string_view text) {
  if (text.empty()) return "";
  return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", name, EscapeHtml(text));
}

std::string Figure(std::string_view kind, std::string_view title, std::string_view content) {
  return fmt::format("<figure class=\"{}\">\n<figcaption>{}</figcaption>\n{}</figure>\n", kind,
                     EscapeHtml(title), content);
}

}  // namespace wavemt
