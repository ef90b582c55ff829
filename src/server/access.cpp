#include "server/access.h"

#include <algorithm>
#include <cctype>

#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"

namespace wavemt {
namespace {

constexpr size_t kLongestTokenFile = size_t{64} << 10;

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool IsLoopback(std::string_view host) {
  // Of the names that begin with 127., only addresses: anybody may own 127.example.com.
  const bool is_address = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return EqualsIgnoringCase(host, "localhost") || host == "::1" || host == "[::1]" ||
         (is_address && host.starts_with("127."));
}

bool NamesLoopback(std::string_view host_header) {
  const size_t bracket = host_header.find(']');
  const size_t colon = host_header.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos && !IsDigits(host_header.substr(colon + 1))) return false;
  return IsLoopback(host_header.substr(0, colon));
}

bool IsSameOrigin(std::string_view origin, std::string_view host_header) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) {
      return EqualsIgnoringCase(origin.substr(scheme.size()), host_header);
    }
  }
  return false;  // "null" among others.
}

bool IsToken(std::string_view given, std::string_view token) {
  volatile unsigned difference = given.size() == token.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const char expected = token.empty() ? '\0' : token[i % token.size()];
    difference = difference | static_cast<unsigned char>(given[i] ^ expected);
  }
  return difference == 0 && !token.empty();
}

std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!EqualsIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) return {};
  authorization.remove_prefix(kScheme.size());
  const size_t begin = authorization.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view{} : authorization.substr(begin);
}

std::string ReadToken(const std::filesystem::path& file) {
  const std::string text = ReadFile(file, kLongestTokenFile);
  std::string token = text.substr(0, text.find_first_of("\r\n"));
  if (token.empty()) throw UsageError("{}: its first line must be the token", file.string());
  // What a header can hold without a client or a proxy changing it.
  const auto is_wrong = [](char c) { return c <= ' ' || c > '~' || c == '%'; };
  if (std::ranges::any_of(token, is_wrong)) {
    throw UsageError("{}: a token consists of visible ASCII characters, without spaces and %",
                     file.string());
  }
  const auto permissions = std::filesystem::status(file).permissions();
  if ((permissions & std::filesystem::perms::others_read) != std::filesystem::perms::none) {
    spdlog::warn("{}: everybody on this machine can read the token; chmod 600 prevents that",
                 file.string());
  }
  return token;
}

}  // namespace wavemt
