#include "config/config_overrides.h"

#include <algorithm>
#include <filesystem>
#include <type_traits>
#include <utility>

#include "config/config_fields.h"
#include "support/error.h"
#include "support/suggestion.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

enum class KeyKind { kText, kPath, kPathList, kSets, kOther };

// A visitor that lists every key with the kind of its value. A section that may be a list of sets
// comes before its keys.
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
  template <typename Sets>
  void SectionOrList(std::string_view name, Sets& sets, std::string_view doc) {
    keys_->emplace_back(prefix_ + std::string(name), KeyKind::kSets);
    Section(name, sets.unnamed, doc);
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

// Whether the section `key` may be a list of named sets as well.
bool IsListable(const std::string& key) {
  const KeyLister::Keys keys = ListKeys();
  return std::ranges::find(keys, std::pair(key, KeyKind::kSets)) != keys.end();
}

// Leaves ${WAVEMT_DATA}/... alone: ReadConfig() expands it to an absolute path.
std::string FromCurrentFolder(const std::string& path) {
  return path.empty() || path.starts_with("${") ? path : fs::absolute(path).string();
}

// Of a path or a list of paths.
void MakePaths(Json* paths) {
  if (paths->is_string()) *paths = FromCurrentFolder(paths->get<std::string>());
  if (!paths->is_array()) return;
  for (Json& path : *paths) {
    if (path.is_string()) path = FromCurrentFolder(path.get<std::string>());
  }
}

// Makes the paths of a section, or of each section of a list, relative to the current folder. What
// does not belong there is left for the reader to refuse.
void MakePathsOfSets(const std::string& key, Json* sets) {
  if (sets->is_array()) {
    for (Json& set : *sets) MakePathsOfSets(key, &set);
    return;
  }
  if (!sets->is_object()) return;
  for (const auto& [name, kind] : ListKeys()) {
    const std::string begin = key + ".";
    if (kind != KeyKind::kPathList || !name.starts_with(begin)) continue;
    const auto found = sets->find(name.substr(begin.size()));
    if (found != sets->end()) MakePaths(&*found);
  }
}

Json ParseValue(KeyKind kind, const std::string& key, const std::string& text,
                const std::string& typed) {
  switch (kind) {
    case KeyKind::kText:
      return text;
    case KeyKind::kPath:
      return FromCurrentFolder(text);
    case KeyKind::kPathList: {
      if (!text.starts_with('[')) return FromCurrentFolder(text);
      Json list = ParseJson(text, typed);
      MakePaths(&list);
      return list;
    }
    case KeyKind::kSets: {
      if (text.find_first_of("[{") != 0) {
        throw UsageError(
            "{}: \"{}\" is a section of the config; set one of its keys, for example {}.source, or "
            "give the whole section, or a list of named ones, as JSON",
            typed, key, key);
      }
      Json sets = ParseJson(text, typed);
      MakePathsOfSets(key, &sets);
      return sets;
    }
    case KeyKind::kOther:
      // What is not JSON stays text, so that the reader's error names the type that is needed.
      return Json::accept(text) ? ParseJson(text, typed) : Json(text);
  }
  return {};
}

// The value of `key` in the document. Missing sections are created.
Json& Locate(Json& document, const std::string& key, const std::string& typed,
             const std::string& file) {
  Json* value = &document;
  size_t begin = 0;
  for (size_t dot; (dot = key.find('.', begin)) != std::string::npos; begin = dot + 1) {
    value = &(*value)[key.substr(begin, dot - begin)];
    const std::string section = key.substr(0, dot);
    if (value->is_array() && IsListable(section)) {
      throw UsageError(
          "{}: {} is a list of named sets in {}; give the whole list, for example "
          "{}='[{{\"name\": \"news\", \"tsv\": \"news.tsv\"}}]'",
          typed, section, file, section);
    }
    if (!value->is_object() && !value->is_null()) {
      throw UsageError("{}: {}: must be an object {{...}}, not {}", file, section,
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
    Locate(*document, key, typed, origin->file) =
        ParseValue(kind, key, text.substr(equals + 1), typed);
    origin->overrides[key] = typed;
  }
}

std::vector<std::string> AllConfigKeys() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : ListKeys()) {
    if (kind != KeyKind::kSets) names.push_back(name);
  }
  return names;
}

}  // namespace wavemt
