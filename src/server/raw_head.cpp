#include "server/raw_head.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "server/request_error.h"
#include "support/json.h"

namespace wavemt {
namespace {

constexpr size_t kMostLineBytes = 8000;  // The library refuses lines of more than 8,192.
constexpr size_t kMostHeaders = 100;

bool IsTokenCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string Lowercase(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view WithoutSpaces(std::string_view value) {
  const size_t begin = value.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return value.substr(begin, value.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    if (end == std::string_view::npos || line.find_first_of("\r\n\0", 0, 3) < line.size()) {
      throw Refuse(Refusal::kInvalid, "a line of the head does not end in CR LF");
    }
    if (line.size() > kMostLineBytes) {
      throw Refuse(Refusal::kHeadTooLarge, "a line of the head has more than {} bytes",
                   kMostLineBytes);
    }
    text.remove_prefix(end + 2);
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// Returns the method.
std::string CheckRequestLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  const std::string_view method = line.substr(0, first);
  const bool has_three = first != std::string_view::npos && last > first;
  if (!has_three || method.empty() || !std::ranges::all_of(method, IsTokenCharacter)) {
    throw Refuse(Refusal::kInvalid, "the request is not HTTP");
  }
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (!target.starts_with('/') || !std::ranges::all_of(target, is_visible)) {
    throw Refuse(Refusal::kInvalid, "the path must begin with / and hold visible ASCII alone");
  }
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    throw Refuse(Refusal::kInvalid, "only HTTP/1.1 and HTTP/1.0 are understood");
  }
  return std::string(method);
}

// By their names in lower case.
using Headers = std::multimap<std::string, std::string_view>;

Headers ReadHeaders(const std::vector<std::string_view>& lines) {
  if (lines.size() > kMostHeaders + 1) {
    throw Refuse(Refusal::kHeadTooLarge, "the head has more than {} lines", kMostHeaders);
  }
  Headers headers;
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    const std::string_view name = lines[i].substr(0, colon);
    const bool is_name = !name.empty() && std::ranges::all_of(name, IsTokenCharacter);
    if (colon == std::string_view::npos || !is_name) {
      throw Refuse(Refusal::kInvalid, "a line of the head is no header: {}",
                   QuoteJson(lines[i].substr(0, 64)));
    }
    const std::string_view value = WithoutSpaces(lines[i].substr(colon + 1));
    const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; };
    if (std::ranges::any_of(value, is_control)) {
      throw Refuse(Refusal::kInvalid, "{}: has control characters", name);
    }
    headers.emplace(Lowercase(name), value);
  }
  return headers;
}

uint64_t ContentLength(const Headers& headers) {
  const auto [begin, end] = headers.equal_range("content-length");
  if (begin == end) return 0;
  const std::string_view text = begin->second;
  uint64_t length = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool is_number = error == std::errc() && rest == text.data() + text.size();
  if (std::next(begin) != end || !is_number) {
    throw Refuse(Refusal::kInvalid, "Content-Length: must be one whole number");
  }
  return length;
}

bool IsChunked(const Headers& headers) {
  const auto [begin, end] = headers.equal_range("transfer-encoding");
  if (begin == end) return false;
  if (std::next(begin) != end || begin->second != "chunked") {
    throw Refuse(Refusal::kUnsupported, "Transfer-Encoding: only \"chunked\" is understood");
  }
  if (headers.contains("content-length")) {
    throw Refuse(Refusal::kInvalid, "Content-Length: is not possible with Transfer-Encoding");
  }
  return true;
}

// Whether the library gets to see the header.
bool IsPassedOn(std::string_view line, bool has_body) {
  const std::string name = Lowercase(line.substr(0, line.find(':')));
  if (name == "range" || name == "if-range") return false;
  return has_body || (name != "content-length" && name != "transfer-encoding" && name != "expect");
}

}  // namespace

RawHead ParseRawHead(std::string_view text) {
  const std::vector<std::string_view> lines = LinesOf(text);
  if (lines.empty()) throw Refuse(Refusal::kInvalid, "the request is not HTTP");
  RawHead head;
  head.method = CheckRequestLine(lines.front());
  const Headers headers = ReadHeaders(lines);
  if (headers.count("host") > 1) throw Refuse(Refusal::kInvalid, "Host: must be one");
  head.is_chunked = IsChunked(headers);
  head.content_length = ContentLength(headers);
  const bool takes_body = head.method == "POST";
  // A compressed body unpacks to a thousand times its size.
  const auto encoding = headers.find("content-encoding");
  if (takes_body && encoding != headers.end() && Lowercase(encoding->second) != "identity") {
    throw Refuse(Refusal::kMediaType, "Content-Encoding: a body must not be compressed");
  }
  head.text.append(lines.front()).append("\r\n");
  for (size_t i = 1; i < lines.size(); ++i) {
    if (IsPassedOn(lines[i], takes_body)) head.text.append(lines[i]).append("\r\n");
  }
  head.text += "\r\n";
  return head;
}

}  // namespace wavemt
