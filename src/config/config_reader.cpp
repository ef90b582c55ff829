#include "config/config_reader.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "config/config_fields.h"
#include "config/config_origin.h"
#include "config/config_overrides.h"
#include "config/config_validation.h"
#include "config/data_folder.h"
#include "support/error.h"
#include "support/files.h"
#include "support/json.h"
#include "support/suggestion.h"
#include "support/utf8.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

std::string DescribeRange(const Range& range) {
  const bool has_minimum = range.minimum != std::numeric_limits<double>::lowest();
  const bool has_maximum = range.maximum != std::numeric_limits<double>::max();
  std::string text;
  if (has_minimum) {
    text = fmt::format("{} {:.15g}", range.minimum_excluded ? "above" : "at least", range.minimum);
  }
  if (has_maximum) {
    text += fmt::format("{}{} {:.15g}", has_minimum ? " and " : "",
                        range.maximum_excluded ? "below" : "at most", range.maximum);
  }
  return text;
}

bool IsInside(double value, const Range& range) {
  return (range.minimum_excluded ? value > range.minimum : value >= range.minimum) &&
         (range.maximum_excluded ? value < range.maximum : value <= range.maximum);
}

// Replaces ${WAVEMT_DATA} by the folder of the corpora.
std::string ExpandDataVariable(std::string path, const std::string& where) {
  constexpr std::string_view kVariable = "${WAVEMT_DATA}";
  if (const size_t begin = path.find(kVariable); begin != std::string::npos) {
    const auto folder = DataFolder();
    if (!folder) {
      throw UsageError("{}: \"{}\": set WAVEMT_DATA to the folder of the corpora", where, path);
    }
    path.replace(begin, kVariable.size(), folder->string());
  }
  if (path.find("${") != std::string::npos) {
    throw UsageError("{}: \"{}\": the only variable known in paths is ${{WAVEMT_DATA}}", where,
                     path);
  }
  return path;
}

// A visitor that fills a section from a JSON object and refuses unknown keys.
class SectionReader {
 public:
  SectionReader(const Json& object, std::string prefix, const fs::path& base,
                const ConfigOrigin& origin)
      : object_(object), prefix_(std::move(prefix)), base_(base), origin_(origin) {}

  template <typename T>
  void Field(std::string_view name, T& value, const KeyDoc& /*doc*/) {
    if (const Json* json = Find(name)) Read(*json, origin_.Of(KeyOf(name)), value);
  }

  template <typename T>
  void Field(std::string_view name, T& value, Range range, const KeyDoc& doc) {
    Field(name, value, doc);
    if (!IsInside(static_cast<double>(value), range)) {
      throw UsageError("{}: {} is not possible: it must be {}", origin_.Of(KeyOf(name)), value,
                       DescribeRange(range));
    }
  }

  template <typename T>
  void Section(std::string_view name, T& section, std::string_view /*doc*/) {
    if (const Json* json = Find(name)) ReadSection(*json, KeyOf(name), section);
  }

  template <typename Sets>
  void SectionOrList(std::string_view name, Sets& sets, std::string_view /*doc*/) {
    const Json* json = Find(name);
    if (json == nullptr) return;
    sets = {};
    const std::string key = KeyOf(name);
    if (json->is_array()) {
      for (size_t i = 0; i < json->size(); ++i) {
        ReadSection((*json)[i], fmt::format("{}[{}]", key, i), sets.named.emplace_back());
      }
    } else if (json->is_object() && json->contains("name")) {
      throw UsageError("{}: only the sets of a list have names: \"{}\": [{{\"name\": ...}}]",
                       origin_.Of(key + ".name"), name);
    } else if (json->is_object()) {
      ReadSection(*json, key, sets.unnamed);
    } else {
      throw UsageError("{}: must be an object {{...}} or a list of them, not {}", origin_.Of(key),
                       QuoteJson(*json));
    }
  }

  void RefuseUnknownKeys() const {
    for (const auto& item : object_.items()) {
      if (std::find(names_.begin(), names_.end(), item.key()) != names_.end()) continue;
      std::string hint = HintFromOtherSections(item.key());
      if (hint.empty()) hint = DidYouMean(item.key(), names_);
      throw UsageError("{}: unknown key{}", origin_.Of(prefix_ + item.key()), hint);
    }
  }

 private:
  template <typename T>
  void ReadSection(const Json& json, const std::string& key, T& section) const {
    if (!json.is_object()) {
      throw UsageError("{}: must be an object {{...}}, not {}", origin_.Of(key), QuoteJson(json));
    }
    SectionReader reader(json, key + ".", base_, origin_);
    VisitFields(reader, section);
    reader.RefuseUnknownKeys();
  }

  const Json* Find(std::string_view name) {
    names_.emplace_back(name);
    const auto found = object_.find(names_.back());
    return found == object_.end() ? nullptr : &*found;
  }

  std::string KeyOf(std::string_view name) const { return prefix_ + std::string(name); }

  // For a key that exists in another section, for example "d_model" at the top level.
  static std::string HintFromOtherSections(const std::string& key) {
    for (const std::string& full : AllConfigKeys()) {
      if (full.ends_with("." + key)) return " (did you mean \"" + full + "\"?)";
    }
    return "";
  }

  static void Read(const Json& json, const std::string& where, bool& value) {
    if (!json.is_boolean()) throw UsageError("{}: {} is not true or false", where, QuoteJson(json));
    value = json.get<bool>();
  }

  static void Read(const Json& json, const std::string& where, int64_t& value) {
    const bool too_large =
        json.is_number_unsigned() &&
        json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (!json.is_number_integer() || too_large) {
      throw UsageError("{}: {} is not a whole number", where, QuoteJson(json));
    }
    value = json.get<int64_t>();
  }

  static void Read(const Json& json, const std::string& where, double& value) {
    if (!json.is_number()) throw UsageError("{}: {} is not a number", where, QuoteJson(json));
    value = json.get<double>();
  }

  static void Read(const Json& json, const std::string& where, std::string& value) {
    if (!json.is_string()) {
      throw UsageError("{}: {} is not a text in quotes", where, QuoteJson(json));
    }
    value = json.get<std::string>();
  }

  void Read(const Json& json, const std::string& where, fs::path& value) const {
    std::string text;
    Read(json, where, text);
    value =
        text.empty() ? fs::path() : (base_ / ExpandDataVariable(text, where)).lexically_normal();
    // JSON, and therefore the run's own config, could not name the file.
    if (FindInvalidUtf8(value.native())) {
      throw UsageError("{}: the path {} is not UTF-8; rename the file or its folder", where,
                       value.string());
    }
  }

  template <typename T>
  static void Read(const Json& json, const std::string& where, std::vector<T>& value) {
    if (!json.is_array()) {
      throw UsageError("{}: {} is not a list in brackets [...]", where, QuoteJson(json));
    }
    value.clear();
    for (const Json& item : json) Read(item, where, value.emplace_back());
  }

  void Read(const Json& json, const std::string& where, std::vector<fs::path>& value) const {
    value.clear();
    const auto add = [&](const Json& item) {
      fs::path path;
      Read(item, where, path);
      if (path.empty()) throw UsageError("{}: is an empty path; name a file", where);
      value.push_back(std::move(path));
    };
    if (json.is_array()) {
      for (const Json& item : json) add(item);
    } else if (json.is_string()) {
      if (!json.get_ref<const std::string&>().empty()) add(json);
    } else {
      throw UsageError("{}: {} is not a path or a list of paths", where, QuoteJson(json));
    }
  }

  template <typename Enum>
  requires std::is_enum_v<Enum>
  static void Read(const Json& json, const std::string& where, Enum& value) {
    std::vector<std::string> names;
    for (const auto& [name, candidate] : NamesOf(Enum{})) {
      if (json.is_string() && json.get_ref<const std::string&>() == name) {
        value = candidate;
        return;
      }
      names.emplace_back(name);
    }
    throw UsageError("{}: {} is unknown: use {}{}", where, QuoteJson(json),
                     fmt::format("{}", fmt::join(names, ", ")),
                     json.is_string() ? DidYouMean(json.get<std::string>(), names) : "");
  }

  const Json& object_;
  std::string prefix_;
  const fs::path& base_;
  const ConfigOrigin& origin_;
  std::vector<std::string> names_;
};

}  // namespace

Config ReadConfig(std::string_view text, const fs::path& file, const ConfigOverrides& overrides,
                  const MissingKeys& missing) {
  ConfigOrigin origin{.file = file.string(), .overrides = {}};
  Json document = ParseJson(text, file.string());
  if (!document.is_object()) {
    throw UsageError("{}: a config is an object {{...}}, not {}", file.string(),
                     QuoteJson(document));
  }
  // Only for editors; a run's config does not keep it, as it lies elsewhere.
  if (const auto schema = document.find("$schema"); schema != document.end()) {
    if (!schema->is_string()) {
      throw UsageError("{}: {} is not a text in quotes", origin.Of("$schema"), QuoteJson(*schema));
    }
    document.erase("$schema");
  }
  ApplyOverrides(overrides, &document, &origin);
  const fs::path base = fs::absolute(file).parent_path();
  Config config = missing.defaults;
  SectionReader reader(document, "", base, origin);
  VisitFields(reader, config);
  reader.RefuseUnknownKeys();
  if (!missing.may_lack_training_text) RequireTrainingText(config, origin);
  ValidateConfig(config, origin);
  return config;
}

AdapterConfig AdapterFromJson(const Json& json, const fs::path& file) {
  const ConfigOrigin origin{.file = file.string(), .overrides = {}};
  if (!json.is_object()) throw UsageError("{}: must be an object {{...}}", origin.Of("adapter"));
  AdapterConfig adapter;
  SectionReader reader(json, "adapter.", file, origin);
  VisitFields(reader, adapter);
  reader.RefuseUnknownKeys();
  ValidateAdapter(adapter, origin);
  return adapter;
}

Config DefaultsOfEarlierRuns() {
  Config config;
  config.tokenizer.normalize_whitespace = false;
  return config;
}

Config LoadConfig(const fs::path& file, const ConfigOverrides& overrides) {
  // One byte over the limit, so that ParseJson() refuses a larger file.
  return ReadConfig(ReadFile(file, kMaxJsonBytes + 1), file, overrides);
}

}  // namespace wavemt
