#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "support/error.h"

namespace wavemt {

/// JSON whose objects keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// Parses one JSON value. Errors are usage errors that begin with `origin` (a file's name); they
/// give line and column of what is not valid JSON, name the mistakes that people make (comments,
/// single quotes, commas at the end, words of other languages), and say what a text is that is none
/// (FindOtherKind(): UTF-16, archives). A byte order mark of UTF-8 is allowed. Stricter than the
/// library: a NUL byte at the end, a key that stands twice in an object, an object of more than
/// `kMaxJsonKeys`, nesting deeper than `kMaxJsonDepth` and a text of more than `kMaxJsonBytes` are
/// refused.
Json ParseJson(std::string_view text, std::string_view origin);

/// The JSON in a file, with the errors of ReadFile() and ParseJson().
Json ReadJson(const std::filesystem::path& path);

inline constexpr size_t kMaxJsonDepth = 64;
/// Each key is compared with all of its object: 100,000 of them would take seconds.
inline constexpr size_t kMaxJsonKeys = 4000;
/// A value takes up to some 30 times the memory of its text.
inline constexpr size_t kMaxJsonBytes = size_t{1} << 20;

/// A value as JSON writes it, cut to a length that fits a message. Unlike the bare text of a
/// stranger's file it holds no control characters.
std::string QuoteJson(const Json& value);

/// The member `name` of an object, a whole number from 0 to `maximum`. A usage error that begins
/// with `origin` where it is something else.
int64_t JsonCount(const Json& object, const char* name, std::string_view origin,
                  int64_t maximum = int64_t{1} << 62);

/// Reads a JSON text event by event and keeps nothing of it, for texts too large for ParseJson().
/// A reader overrides the events that it expects; all others throw Unexpected().
class JsonEvents : public Json::json_sax_t {
 public:
  /// Throws the usage errors of ParseJson() where the text is not valid JSON.
  void Parse(std::string_view text, std::string_view origin);

  bool null() override { return Refuse(); }
  bool boolean(bool) override { return Refuse(); }
  bool number_integer(number_integer_t) override { return Refuse(); }
  bool number_unsigned(number_unsigned_t) override { return Refuse(); }
  bool number_float(number_float_t, const string_t&) override { return Refuse(); }
  bool string(string_t&) override { return Refuse(); }
  bool start_object(std::size_t) override { return Refuse(); }
  bool start_array(std::size_t) override { return Refuse(); }
  // These come only behind what was accepted.
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool end_array() override { return true; }

  bool binary(binary_t&) final { return Refuse(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) final;

 private:
  /// What to throw where something else should stand.
  virtual Error Unexpected() const = 0;
  bool Refuse() const { throw Unexpected(); }

  std::string_view text_;
  std::string_view origin_;
};

}  // namespace wavemt
