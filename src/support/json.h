#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "support/error.h"

namespace wavemt {

/// JSON whose objects preserve the order of their keys.
using Json = nlohmann::ordered_json;

/// Parses one JSON value. A UTF-8 byte order mark is allowed. Throws usage errors that begin with
/// `origin` (a file's name). A syntax error gives the line and column and explains common mistakes
/// (comments, single quotes, trailing commas, other languages' words such as True); a file that is
/// not UTF-8 text at all is identified (see FindOtherKind()). Stricter than the library: also
/// refuses a NUL byte at the end, a key that appears twice in an object, an object of more than
/// `kMaxJsonKeys` keys, nesting deeper than `kMaxJsonDepth` and more than `kMaxJsonBytes` of text.
Json ParseJson(std::string_view text, std::string_view origin);

/// Parses a JSON file. Errors as for ReadFile() and ParseJson().
Json ReadJson(const std::filesystem::path& path);

/// A JSON value as indented text with a final newline. Bytes that are not UTF-8, which a path may
/// hold, become U+FFFD.
std::string JsonText(const Json& value);

/// The same on one line, without a newline at the end.
std::string JsonLine(const Json& value);

inline constexpr size_t kMaxJsonDepth = 64;
/// The library compares each new key with all others of its object: 100,000 would take seconds.
inline constexpr size_t kMaxJsonKeys = 4000;
/// A parsed value takes up to about 30 times the memory of its text.
inline constexpr size_t kMaxJsonBytes = size_t{1} << 20;

/// A value as JSON text, shortened to fit a message. Contains no control characters, so untrusted
/// text is safe to print.
std::string QuoteJson(const Json& value);

/// The member `name` of an object, a whole number from 0 to `maximum`. A usage error that begins
/// with `origin` where it is something else.
int64_t JsonCount(const Json& object, const char* name, std::string_view origin,
                  int64_t maximum = int64_t{1} << 62);

/// Base class for reading JSON as a stream of events, without building a value: for texts too large
/// for ParseJson(). A derived class overrides the events that it accepts; all others throw
/// Unexpected().
class JsonEvents : public Json::json_sax_t {
 public:
  /// Reports syntax errors like ParseJson().
  void Parse(std::string_view text, std::string_view origin);

  bool null() override { return Refuse(); }
  bool boolean(bool) override { return Refuse(); }
  bool number_integer(number_integer_t) override { return Refuse(); }
  bool number_unsigned(number_unsigned_t) override { return Refuse(); }
  bool number_float(number_float_t, const string_t&) override { return Refuse(); }
  bool string(string_t&) override { return Refuse(); }
  bool start_object(std::size_t) override { return Refuse(); }
  bool start_array(std::size_t) override { return Refuse(); }
  // These can only follow an event that was accepted.
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool end_array() override { return true; }

  bool binary(binary_t&) final { return Refuse(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) final;

 private:
  /// The error for an event that is not allowed here.
  virtual Error Unexpected() const = 0;
  bool Refuse() const { throw Unexpected(); }

  std::string_view text_;
  std::string_view origin_;
};

}  // namespace wavemt
