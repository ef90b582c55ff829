#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/language_pair.h"
#include "server/server_options.h"
#include "server/text_lines.h"
#include "support/json.h"

namespace wavemt {

// What clients send and get, in both of the server's languages: our own, and LibreTranslate's
// (https://libretranslate.com/docs). A client may send anything; what is wrong is a usage error
// that names the key.

/// What a client wants translated, and how.
struct TranslationRequest {
  std::vector<std::string> texts;
  bool is_list = false;                 // They came as a list.
  std::optional<std::string> source{};  // nullopt: that of the only model that fits.
  std::optional<std::string> target{};
  Json decoding = Json::object();  // Keys of the config's section, not checked.
  bool stream = false;             // Each text is sent as soon as it is done.
  bool scores = false;
  bool is_auto = false;                   // LibreTranslate's client wants the language detected.
  std::optional<int64_t> alternatives{};  // As LibreTranslate counts them: without the best.
};

/// The JSON object of a body.
Json ParseBody(std::string_view body);

/// The fields of a form, in order.
using FormFields = std::vector<std::pair<std::string, std::string>>;

/// Parses a body of the type application/x-www-form-urlencoded.
FormFields ParseForm(std::string_view body);

/// The fields that LibreTranslate knows, as the object that its clients could have sent instead.
Json LibreTranslateFields(const FormFields& form);

/// The token in a LibreTranslate request; empty if there is none.
std::string ApiKeyOf(const Json& fields);

/// {"text": "..." | ["...", ...], "source": "en", "target": "de", "stream": false, "scores": false,
/// "decoding": {...}}; only `text` is required, and other keys are refused.
TranslationRequest ParseTranslationRequest(const Json& body);

/// {"q": "..." | ["...", ...], "source": "en" | "auto", "target": "de", "format": "text",
/// "alternatives": 0}; other keys are ignored, as LibreTranslate does.
TranslationRequest ParseLibreTranslateRequest(const Json& fields);

/// What an answer shows of a text.
struct ShownParts {
  bool alternatives = false;
  bool scores = false;
};

/// {"text": "...", "score": -0.5, "alternatives": [{"text": "...", "score": -0.7}], "warnings":
/// ["..."]}. `alternatives` does not hold the best; `warnings` is there if there are any.
Json TextAnswer(const TextTranslation& text, ShownParts shown);

/// {"translations": [...]}, in the order of the texts.
Json TranslationAnswer(std::span<const TextTranslation> texts, ShownParts shown);

/// {"translatedText": ...}, and "alternatives" and "detectedLanguage" if they were asked for. Each
/// is a list if the texts came as one. The detected language is that of the only model that fits.
Json LibreTranslateAnswer(const TranslationRequest& request, const LanguagePair& languages,
                          std::span<const TextTranslation> texts);

/// [{"code": "en", "name": "English", "targets": ["de"]}]. A language that is only translated into
/// has no targets.
Json LanguagesAnswer(std::span<const LanguagePair> languages);

/// {"status": "ok" | "stopping", "models": [{"source": "en", "target": "de"}], "waiting": 0}
Json HealthAnswer(std::span<const LanguagePair> languages, size_t lines_waiting, bool is_stopping);

/// What LibreTranslate's web page wants to know.
Json FrontendSettings(std::span<const LanguagePair> languages, const ServerOptions& options);

/// {"error": "..."}
Json ErrorAnswer(std::string_view sentence);
}  // namespace wavemt
