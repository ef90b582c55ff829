#include "server/requests.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "support/error.h"
#include "support/suggestion.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

void RequireUtf8(std::string_view text, std::string_view where) {
  if (const auto offset = FindInvalidUtf8(text)) {
    throw UsageError("{}: is not UTF-8 at byte {}", where, *offset);
  }
}

// Null if the key is absent.
const Json* Find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string StringOf(const Json& value, std::string_view key) {
  if (!value.is_string()) throw UsageError("{}: must be a string, not {}", key, QuoteJson(value));
  return value.get<std::string>();
}

std::optional<std::string> OptionalString(const Json& object, const char* key) {
  const Json* value = Find(object, key);
  if (value == nullptr) return std::nullopt;
  return StringOf(*value, key);
}

bool FlagOf(const Json& object, const char* key) {
  const Json* value = Find(object, key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    throw UsageError("{}: must be true or false, not {}", key, QuoteJson(*value));
  }
  return value->get<bool>();
}

void ReadTexts(const Json& body, const char* key, TranslationRequest* request) {
  const Json* value = Find(body, key);
  if (value == nullptr) {
    throw UsageError("{}: is missing; it is what to translate, a string or a list of strings", key);
  }
  request->is_list = value->is_array();
  if (value->is_string()) {
    request->texts.push_back(value->get<std::string>());
  } else if (value->is_array()) {
    for (size_t i = 0; i < value->size(); ++i) {
      request->texts.push_back(StringOf((*value)[i], fmt::format("{}[{}]", key, i)));
    }
  } else {
    throw UsageError("{}: must be a string or a list of strings, not {}", key, QuoteJson(*value));
  }
}

// LibreTranslate takes the number as a string too.
std::optional<int64_t> ReadAlternatives(const Json& fields) {
  const Json* value = Find(fields, "alternatives");
  if (value == nullptr || value->is_null()) return std::nullopt;
  int64_t count = -1;
  if (value->is_number_unsigned() || value->is_number_integer()) {
    // A number beyond 2^63 becomes a negative one, which is refused as well.
    count = value->get<int64_t>();
  } else if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) count = -1;
  }
  if (count < 0) {
    throw UsageError("alternatives: must be a whole number from 0, not {}", QuoteJson(*value));
  }
  return count;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string DecodeFormText(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        throw UsageError("body: a % of a form must be followed by two hexadecimal digits");
      }
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

Json WithScore(const Translation& translation, bool with_score) {
  Json json = {{"text", translation.text}};
  if (with_score) json["score"] = translation.score;
  return json;
}

Json NamedLanguage(const std::string& code) {
  return {{"code", code}, {"name", LanguageName(code)}};
}

}  // namespace

Json ParseBody(std::string_view body) {
  RequireUtf8(body, "body");
  Json json = ParseJson(body, "body");
  if (!json.is_object()) {
    throw UsageError("body: must be an object {{...}}, not {}", QuoteJson(json));
  }
  return json;
}

FormFields ParseForm(std::string_view body) {
  FormFields fields;
  while (!body.empty()) {
    const std::string_view field = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), field.size() + 1));
    if (field.empty()) continue;
    const size_t equals = field.find('=');
    fields.emplace_back(
        DecodeFormText(field.substr(0, equals)),
        equals == std::string_view::npos ? "" : DecodeFormText(field.substr(equals + 1)));
  }
  return fields;
}

Json LibreTranslateFields(const FormFields& form) {
  constexpr std::string_view kKnown[] = {"source",  "target",       "format",
                                         "api_key", "alternatives", "q"};
  Json fields = Json::object();
  for (const auto& [key, value] : form) {
    if (std::ranges::find(kKnown, key) == std::end(kKnown)) continue;
    RequireUtf8(value, key);
    if (!fields.contains(key)) {
      fields[key] = value;
    } else if (key == "q") {
      if (fields[key].is_string()) fields[key] = Json::array({fields[key]});
      fields[key].push_back(value);
    } else {
      throw UsageError("{}: is there twice; keep one", key);
    }
  }
  return fields;
}

std::string ApiKeyOf(const Json& fields) {
  const Json* value = Find(fields, "api_key");
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

TranslationRequest ParseTranslationRequest(const Json& body) {
  const std::vector<std::string> known = {"text",   "source", "target",
                                          "stream", "scores", "decoding"};
  for (const auto& item : body.items()) {
    if (std::ranges::find(known, item.key()) == known.end()) {
      throw UsageError("{}: there is no such key{}", QuoteJson(item.key()),
                       DidYouMean(item.key().substr(0, 64), known));
    }
  }
  TranslationRequest request;
  ReadTexts(body, "text", &request);
  request.source = OptionalString(body, "source");
  request.target = OptionalString(body, "target");
  request.stream = FlagOf(body, "stream");
  request.scores = FlagOf(body, "scores");
  if (const Json* decoding = Find(body, "decoding")) {
    if (!decoding->is_object()) {
      throw UsageError("decoding: must be an object {{...}}, not {}", QuoteJson(*decoding));
    }
    request.decoding = *decoding;
  }
  return request;
}

TranslationRequest ParseLibreTranslateRequest(const Json& fields) {
  TranslationRequest request;
  ReadTexts(fields, "q", &request);
  request.source = OptionalString(fields, "source");
  request.target = OptionalString(fields, "target");
  if (!request.source) throw UsageError("source: is missing; it is a language or \"auto\"");
  if (!request.target) throw UsageError("target: is missing; it is a language");
  if (request.source == "auto") {
    request.is_auto = true;
    request.source = std::nullopt;
  }
  const std::string format = OptionalString(fields, "format").value_or("text");
  if (format != "text") {
    throw UsageError("format: only \"text\" is translated here, not {}", QuoteJson(format));
  }
  request.alternatives = ReadAlternatives(fields);
  return request;
}

Json TextAnswer(const TextTranslation& text, ShownParts shown) {
  Json json = WithScore(text.best.front(), shown.scores);
  if (shown.alternatives) {
    Json& alternatives = json["alternatives"] = Json::array();
    for (size_t i = 1; i < text.best.size(); ++i) {
      alternatives.push_back(WithScore(text.best[i], shown.scores));
    }
  }
  if (!text.warnings.empty()) json["warnings"] = text.warnings;
  return json;
}

Json TranslationAnswer(std::span<const TextTranslation> texts, ShownParts shown) {
  Json translations = Json::array();
  for (const TextTranslation& text : texts) translations.push_back(TextAnswer(text, shown));
  return {{"translations", std::move(translations)}};
}

Json LibreTranslateAnswer(const TranslationRequest& request, const LanguagePair& languages,
                          std::span<const TextTranslation> texts) {
  Json translated = Json::array();
  Json alternatives = Json::array();
  Json detected = Json::array();
  for (const TextTranslation& text : texts) {
    translated.push_back(text.best.front().text);
    Json others = Json::array();
    for (size_t i = 1; i < text.best.size(); ++i) others.push_back(text.best[i].text);
    alternatives.push_back(std::move(others));
    detected.push_back({{"language", languages.source}, {"confidence", 100}});
  }
  const auto shape = [&](Json& list) { return request.is_list ? std::move(list) : list.at(0); };
  Json answer = {{"translatedText", shape(translated)}};
  if (request.alternatives.value_or(0) > 0) answer["alternatives"] = shape(alternatives);
  if (request.is_auto) answer["detectedLanguage"] = shape(detected);
  return answer;
}

Json LanguagesAnswer(std::span<const LanguagePair> languages) {
  std::vector<std::string> codes;
  for (const LanguagePair& pair : languages) codes.push_back(pair.source);
  for (const LanguagePair& pair : languages) codes.push_back(pair.target);
  Json answer = Json::array();
  for (auto code = codes.begin(); code != codes.end(); ++code) {
    if (std::find(codes.begin(), code, *code) != code) continue;
    Json targets = Json::array();
    for (const LanguagePair& pair : languages) {
      if (pair.source == *code) targets.push_back(pair.target);
    }
    Json language = NamedLanguage(*code);
    language["targets"] = std::move(targets);
    answer.push_back(std::move(language));
  }
  return answer;
}

Json HealthAnswer(std::span<const LanguagePair> languages, size_t lines_waiting, bool is_stopping) {
  Json models = Json::array();
  for (const LanguagePair& pair : languages) {
    models.push_back({{"source", pair.source}, {"target", pair.target}});
  }
  return {{"status", is_stopping ? "stopping" : "ok"},
          {"models", std::move(models)},
          {"waiting", lines_waiting}};
}

Json FrontendSettings(std::span<const LanguagePair> languages, const ServerOptions& options) {
  const bool has_token = !options.token.empty();
  return {{"charLimit", options.max_body_bytes},
          {"frontendTimeout", 500},
          {"apiKeys", has_token},
          {"keyRequired", has_token},
          {"suggestions", false},
          {"filesTranslation", false},
          {"supportedFilesFormat", Json::array()},
          {"language",
           {{"source", NamedLanguage(languages.front().source)},
            {"target", NamedLanguage(languages.front().target)}}}};
}

Json ErrorAnswer(std::string_view sentence) { return {{"error", sentence}}; }

}  // namespace wavemt
