// Fuzzes the config reader with untrusted configs and --set options.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config_overrides.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "fuzz_main.h"
#include "support/json.h"

namespace wavemt {
namespace {

// Ends the config's text; each occurrence is followed by an override.
constexpr char kOverrideMark = '\x01';

constexpr auto kWrongValues = std::to_array<std::string_view>(
    {"null", "true", "{}", "[]", "\"\"", "\"${WAVEMT_DATA}/x\"", "\"${HOME}/x\"", "[[1]]",
     "\"\\u0000\"", "\"\\u001b[2J\"", "\"\xFF\"", "\"../../x\"", "[\"a\",\"\"]",
     "{\"a\":{\"b\":[1,{\"c\":2}]}}", "\"inverse_sqrt\"", "\"\xF0\x9F\x8C\x8A\""});

std::string Quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

// Where a value may have two shapes, the first: a section rather than a list of them.
const Json& FirstShape(const Json& property) {
  return property.contains("oneOf") ? property["oneOf"][0] : property;
}

// Generates configs from the schema, mostly with valid values.
class ConfigMaker {
 public:
  explicit ConfigMaker(Random& random) : random_(random) {}

  std::string Section(const Json& schema, size_t share) {
    std::string text = "{";
    for (const auto& [key, property] : schema["properties"].items()) {
      const bool needed =
          key == "data" || key == "train" || key == "name" || (key == "tsv" && share == 1);
      if (!needed && !random_.OneIn(share * 6)) continue;
      if (text.size() > 1) text += random_.OneIn(100) ? "" : ",";
      if (random_.OneIn(60)) text += "\n ";
      text += Quoted(random_.OneIn(150) ? Misspelled(key) : key) + ":";
      text += random_.OneIn(40) ? Hard() : Value(key, property);
      if (random_.OneIn(150)) text += fmt::format(",{}:{}", Quoted(key), Value(key, property));
    }
    return text + "}";
  }

  std::string Override(const std::vector<std::string>& keys, const Json& schema) {
    std::string key = random_.Choose<std::string>(keys);
    if (key.starts_with("data.valid.") && random_.OneIn(2)) key = "data.valid";
    const Json* property = &schema;
    for (size_t begin = 0, dot; begin != std::string::npos;
         begin = dot == std::string::npos ? dot : dot + 1) {
      dot = key.find('.', begin);
      const std::string name = key.substr(begin, dot == std::string::npos ? dot : dot - begin);
      property = &FirstShape(*property)["properties"][name];
    }
    std::string value = random_.OneIn(3) ? Hard() : Value(key, *property);
    if (value.starts_with('"') && !random_.OneIn(5)) value = value.substr(1, value.size() - 2);
    if (random_.OneIn(20)) key = Misspelled(key);
    if (random_.OneIn(30)) return key;
    return key + "=" + value;
  }

 private:
  // Sections with names, which a list may give in the place of one.
  std::string List(const Json& items) {
    std::string text = "[";
    for (size_t count = random_.Below(4); count > 0; --count) {
      text += Section(items, 1) + (count > 1 ? "," : "");
    }
    return text + "]";
  }

  std::string Hard() {
    return std::string(random_.OneIn(2) ? random_.Choose(kHardNumbers)
                                        : random_.Choose(kWrongValues));
  }

  std::string Misspelled(std::string key) {
    if (random_.OneIn(4)) return std::string(random_.Choose(kHardBytes));
    key.insert(random_.Below(key.size() + 1), random_.OneIn(4) ? "." : "x");
    return key;
  }

  std::string Value(const std::string& key, const Json& property) {
    if (property.contains("enum"))
      return random_.Choose<Json>(property["enum"].get<std::vector<Json>>()).dump();
    const Json& shape = FirstShape(property);
    if (shape.contains("properties") && property.contains("oneOf") && random_.OneIn(3)) {
      return List(property["oneOf"][1]["items"]);
    }
    if (shape.contains("properties")) return Section(shape, key == "train" ? 1 : 2);
    const Json& type = shape["type"];
    if (type == "boolean") return random_.OneIn(2) ? "true" : "false";
    if (type == "integer") return std::to_string(1 + random_.Below(random_.OneIn(2) ? 8 : 5000));
    if (type == "number") return random_.OneIn(2) ? "0.5" : "0.95";
    if (key == "source" || key == "target") return "[]";
    if (key == "name") return random_.OneIn(8) ? Hard() : random_.OneIn(2) ? "\"a\"" : "\"b-1\"";
    return random_.OneIn(2) ? "\"a\"" : "\"b/../c.en\"";
  }

  Random& random_;
};

// A config that makes JSON take as much memory as possible.
std::string LargeConfig(Random& random) {
  const size_t size = random.Below(kMaxJsonBytes + kMaxJsonBytes / 8);
  constexpr auto kFragments =
      std::to_array<std::string_view>({"[", "{\"a\":", "[],", "1,", "{},", "\"a\",", "[[[1]]],"});
  const std::string_view fragment = random.Choose(kFragments);
  std::string text = random.OneIn(2) ? "[" : R"({"data":{"train":{"tsv":[)";
  while (text.size() < size) text += fragment;
  if (random.OneIn(3)) {
    text = "{";
    for (size_t i = 0; text.size() < size; ++i) text += fmt::format("\"{}\":1,", i);
  }
  return text + "1]";
}

std::string MakeConfig(Random& random) {
  static const Json schema = ConfigSchema();
  static const std::vector<std::string> keys = AllConfigKeys();
  if (random.OneIn(50'000)) return LargeConfig(random);
  ConfigMaker maker(random);
  std::string text = maker.Section(schema, 1);
  if (random.OneIn(3)) Damage(random, &text);
  for (size_t overrides = random.OneIn(3) ? 1 + random.Below(2) : 0; overrides > 0; --overrides) {
    text += kOverrideMark + maker.Override(keys, schema);
  }
  return text;
}

void ReadText(const std::string& input) {
  ConfigOverrides overrides;
  const size_t config_end = std::min(input.find(kOverrideMark), input.size());
  for (size_t begin = config_end; begin < input.size();) {
    const size_t end = std::min(input.find(kOverrideMark, begin + 1), input.size());
    overrides.push_back(input.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  const Config config =
      ReadConfig(std::string_view(input).substr(0, config_end), "/fuzz/config.json", overrides);
  // Writing the config and reading it again changes nothing. As the written text is much longer
  // than these inputs, only some are checked.
  constexpr size_t kOneIn = 16;
  if (input.size() % kOneIn != 0) return;
  const std::string text = ConfigText(config);
  Require(ConfigText(ReadConfig(text, "/elsewhere/config.json")) == text,
          "a config differs when it is written and read again");
}

}  // namespace
}  // namespace wavemt

int main(int argc, char** argv) {
  return wavemt::FuzzMain(argc, argv,
                          {.name = "config", .make = wavemt::MakeConfig, .read = wavemt::ReadText});
}
