#include "config/config_writer.h"

#include <filesystem>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/config_fields.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

Json ToJson(bool value) { return value; }
Json ToJson(int64_t value) { return value; }
Json ToJson(double value) { return value; }
Json ToJson(const std::string& value) { return value; }
Json ToJson(const fs::path& value) { return value.string(); }
template <typename Enum>
requires std::is_enum_v<Enum> Json ToJson(Enum value) { return std::string(NameOf(value)); }
template <typename T>
Json ToJson(const std::vector<T>& value) {
  Json list = Json::array();
  for (const T& item : value) list.push_back(ToJson(item));
  return list;
}

// Whether `wavemt resume` may change a key: yes, no, or when not.
Json ResumeToJson(OnResume on_resume) {
  switch (on_resume) {
    case OnResume::kFixed:
      return false;
    case OnResume::kMayChange:
      return true;
    case OnResume::kFixedForTranslationScores:
      return "unless training.best_metric is bleu, chrf or accuracy";
    case OnResume::kFixedForBleu:
      return "unless training.best_metric is bleu";
  }
  return false;
}

class SectionWriter {
 public:
  template <typename T>
  void Field(std::string_view name, T& value, const KeyDoc& /*doc*/) {
    json_[std::string(name)] = ToJson(value);
  }
  template <typename T>
  void Field(std::string_view name, T& value, Range /*range*/, const KeyDoc& doc) {
    Field(name, value, doc);
  }
  template <typename T>
  void Section(std::string_view name, T& section, std::string_view /*doc*/) {
    SectionWriter writer;
    VisitFields(writer, section);
    json_[std::string(name)] = std::move(writer.json_);
  }
  template <typename Sets>
  void SectionOrList(std::string_view name, Sets& sets, std::string_view doc) {
    if (sets.named.empty()) return Section(name, sets.unnamed, doc);
    Json list = Json::array();
    for (auto& set : sets.named) {
      SectionWriter writer;
      VisitFields(writer, set);
      list.push_back(writer.Take());
    }
    json_[std::string(name)] = std::move(list);
  }
  Json Take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

// Collects the values by their full keys.
class ValueLister {
 public:
  using Values = std::vector<std::pair<std::string, Json>>;

  ValueLister(std::string prefix, Values* values) : prefix_(std::move(prefix)), values_(values) {}

  template <typename T>
  void Field(std::string_view name, T& value, const KeyDoc& /*doc*/) {
    values_->emplace_back(prefix_ + std::string(name), ToJson(value));
  }
  template <typename T>
  void Field(std::string_view name, T& value, Range /*range*/, const KeyDoc& doc) {
    Field(name, value, doc);
  }
  template <typename T>
  void Section(std::string_view name, T& section, std::string_view /*doc*/) {
    ValueLister lister(prefix_ + std::string(name) + ".", values_);
    VisitFields(lister, section);
  }
  template <typename Sets>
  void SectionOrList(std::string_view name, Sets& sets, std::string_view doc) {
    SectionWriter writer;
    writer.SectionOrList(name, sets, doc);
    values_->emplace_back(prefix_ + std::string(name), writer.Take()[std::string(name)]);
  }

 private:
  std::string prefix_;
  Values* values_;
};

class SchemaWriter {
 public:
  template <typename T>
  void Field(std::string_view name, T& value, const KeyDoc& doc) {
    properties_[std::string(name)] = Describe(value, doc);
  }

  template <typename T>
  void Field(std::string_view name, T& value, Range range, const KeyDoc& doc) {
    Json property = Describe(value, doc);
    const auto bound = [](double number) {
      return std::is_same_v<T, int64_t> ? Json(static_cast<int64_t>(number)) : Json(number);
    };
    if (range.minimum != std::numeric_limits<double>::lowest()) {
      property[range.minimum_excluded ? "exclusiveMinimum" : "minimum"] = bound(range.minimum);
    }
    if (range.maximum != std::numeric_limits<double>::max()) {
      property[range.maximum_excluded ? "exclusiveMaximum" : "maximum"] = bound(range.maximum);
    }
    if (range.minimum_beside_zero > 0) {
      property["anyOf"] = {{{"const", 0}}, {{"minimum", bound(range.minimum_beside_zero)}}};
    }
    properties_[std::string(name)] = std::move(property);
  }

  template <typename T>
  void Section(std::string_view name, T& section, std::string_view doc) {
    SchemaWriter writer;
    VisitFields(writer, section);
    Json property = {{"description", doc}};
    property.update(writer.Take());
    properties_[std::string(name)] = std::move(property);
  }

  template <typename Sets>
  void SectionOrList(std::string_view name, Sets& sets, std::string_view doc) {
    SchemaWriter section;
    VisitFields(section, sets.unnamed);
    SchemaWriter writer;
    typename decltype(sets.named)::value_type item;
    VisitFields(writer, item);
    Json items = writer.Take();
    Json& name_of_item = items["properties"]["name"];
    name_of_item.erase("default");
    name_of_item["pattern"] = "^[A-Za-z0-9_-]+$";
    items["required"] = {"name"};
    Json list = {{"type", "array"}, {"items", std::move(items)}};
    properties_[std::string(name)] = {{"description", doc}, {"oneOf", {section.Take(), list}}};
  }

  Json& properties() { return properties_; }

  Json Take() {
    return {{"type", "object"},
            {"additionalProperties", false},
            {"properties", std::move(properties_)}};
  }

 private:
  template <typename Enum>
  static Json NamesToJson() {
    Json names = Json::array();
    for (const auto& named : NamesOf(Enum{})) names.push_back(std::string(named.first));
    return names;
  }

  template <typename T>
  static Json Describe(const T& value, const KeyDoc& doc) {
    Json property = {{"description", doc.text}, {"x-resume", ResumeToJson(doc.on_resume)}};
    if constexpr (std::is_same_v<T, std::vector<fs::path>>) {
      const Json list = {{"type", "array"}, {"items", {{"type", "string"}, {"minLength", 1}}}};
      property["oneOf"] = {{{"type", "string"}}, list};
    } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
      // The two columns of tsv files, the only list of numbers.
      property["type"] = "array";
      property["items"] = {{"type", "integer"}, {"minimum", 1}};
      property["minItems"] = 2;
      property["maxItems"] = 2;
      property["uniqueItems"] = true;
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      property["type"] = "array";
      property["items"] = {{"type", "string"}};
    } else if constexpr (std::is_same_v<T, std::vector<LoraProjection>>) {
      property["type"] = "array";
      property["items"] = {{"enum", NamesToJson<LoraProjection>()}};
      property["minItems"] = 1;
      property["uniqueItems"] = true;
    } else if constexpr (std::is_enum_v<T>) {
      property["enum"] = NamesToJson<T>();
    } else {
      property["type"] = std::is_same_v<T, bool>      ? "boolean"
                         : std::is_same_v<T, int64_t> ? "integer"
                         : std::is_same_v<T, double>  ? "number"
                                                      : "string";
    }
    property["default"] = ToJson(value);
    return property;
  }

  Json properties_ = Json::object();
};

}  // namespace

Json ConfigToJson(const Config& config) {
  Config copy = config;  // Visitors take fields by reference.
  SectionWriter writer;
  VisitFields(writer, copy);
  return writer.Take();
}

Json AdapterToJson(const AdapterConfig& adapter) {
  AdapterConfig copy = adapter;
  SectionWriter writer;
  VisitFields(writer, copy);
  return writer.Take();
}

std::vector<std::pair<std::string, Json>> ConfigValues(const Config& config) {
  Config copy = config;
  std::vector<std::pair<std::string, Json>> values;
  ValueLister lister("", &values);
  VisitFields(lister, copy);
  return values;
}

std::string ConfigText(const Config& config) { return JsonText(ConfigToJson(config)); }

Json ConfigSchema() {
  Config defaults;
  SchemaWriter writer;
  VisitFields(writer, defaults);
  writer.properties()["$schema"] = {
      {"description", "Where this schema lies, for editors; the program does not look at it."},
      {"type", "string"}};
  Json& data = writer.properties()["data"];
  data["required"] = {"train"};
  data["properties"]["train"]["oneOf"][1]["minItems"] = 1;
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "wavemt config"}};
  schema.update(writer.Take());
  schema["required"] = {"data"};
  return schema;
}

}  // namespace wavemt
