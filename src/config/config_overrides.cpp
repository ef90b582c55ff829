#include "config/config_overrides.h"

#include <filesystem>
#include <type_traits>
#include <utility>

#include "config/config_fields.h"
#include "support/error.h"
#include "support/suggestion.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

enum class KeyKind { kText, kPath, kPathList, kOther };

// A visitor that lists every key with the kind of its value.
class KeyLister {
 public:
  using Keys = std::vector<std::pair<std::string, KeyKind>>;

  KeyLister(std::string prefix, Keys* keys) : prefix_(std::move(prefix)), keys_(keys) {}

  template <typename T>
  void Field(std::string_view name, T&, const KeyDoc&) {
    keys_->emplace_back(prefix_ + std::string(name), KindOf<T>());
  }
  template <typename T>
  void Field(std::string_view name, T& value, Range, const KeyDoc& doc) {
    Field(name, value, doc);
  }
  template <typename T>
  void Section(std::string_view name, T& section, std::string_view) {
    KeyLister lister(prefix_ + std::string(name) + ".", keys_);
    VisitFields(lister, section);
  }

 private:
  template <typename T>
  static constexpr KeyKind KindOf() {
    if constexpr (std::is_same_v<T, fs::path>) return KeyKind::kPath;
    if constexpr (std::is_same_v<T, std::vector<fs::path>>) return KeyKind::kPathList;
    if constexpr (std::is_same_v<T, std::string> || std::is_enum_v<T>) return KeyKind::kText;
    return KeyKind::kOther;
  }

  std::string prefix_;
  Keys* keys_;
};

KeyLister::Keys ListKeys() {
  Config config;
  KeyLister::Keys keys;
  KeyLister lister("", &keys);
  VisitFields(lister, config);
  return keys;
}

KeyKind KindOfKey(std::string_view key, std::string_view typed) {
  std::vector<std::string> names;
  for (const auto& [name, kind] : ListKeys()) {
    if (name == key) return kind;
    if (name.starts_with(std::string(key) + ".")) {
      throw UsageError("{}: \"{}\" is a section of the config; set one of its keys, for example {}",
                       typed, key, name);
    }
    names.push_back(name);
  }
  throw UsageError("{}: there is no config key \"{}\"{}", typed, key, DidYouMean(key, names));
}

// Leaves ${WAVEMT_DATA}/... alone: ReadConfig() expands it to an absolute path.
std::string FromCurrentFolder(const std::string& path) {
  return path.empty() || path.starts_with("${") ? path : fs::absolute(path).string();
}

Json ParseValue(KeyKind kind, const std::string& text, const std::string& typed) {
  switch (kind) {
    case KeyKind::kText:
      return text;
    case KeyKind::kPath:
      return FromCurrentFolder(text);
    case KeyKind::kPathList: {
      if (!text.starts_with('[')) return FromCurrentFolder(text);
      Json list = ParseJson(text, typed);
      for (Json& item : list) {
        if (item.is_string()) item = FromCurrentFolder(item.get<std::string>());
      }
      return list;
    }
    case KeyKind::kOther:
      // What is not JSON stays text, so that the reader's error names the type that is needed.
      return Json::accept(text) ? ParseJson(text, typed) : Json(text);
  }
  return {};
}

// The value of `key` in the document. Missing sections are created.
Json& Locate(Json& document, const std::string& key, const std::string& file) {
  Json* value = &document;
  size_t begin = 0;
  for (size_t dot; (dot = key.find('.', begin)) != std::string::npos; begin = dot + 1) {
    value = &(*value)[key.substr(begin, dot - begin)];
    if (!value->is_object() && !value->is_null()) {
      throw UsageError("{}: {}: must be an object {{...}}, not {}", file, key.substr(0, dot),
                       QuoteJson(*value));
    }
  }
  return (*value)[key.substr(begin)];
}

}  // namespace

void ApplyOverrides(const ConfigOverrides& overrides, Json* document, ConfigOrigin* origin) {
  for (const auto& [text, typed] : overrides) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError("{}: must be key=value, for example training.max_steps=100", typed);
    }
    const std::string key = text.substr(0, equals);
    const KeyKind kind = KindOfKey(key, typed);
    Locate(*document, key, origin->file) = ParseValue(kind, text.substr(equals + 1), typed);
    origin->overrides[key] = typed;
  }
}

std::vector<std::string> AllConfigKeys() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : ListKeys()) names.push_back(name);
  return names;
}

}  // namespace wavemt
