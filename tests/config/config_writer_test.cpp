#include "config/config_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "config/config_overrides.h"
#include "config_folder.h"

namespace wavemt {
namespace {

using testing::ElementsAreArray;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// Collects the leaves of the schema in order, with their full keys ("model.d_model").
void CollectKeys(const Json& section, const std::string& prefix,
                 std::vector<std::pair<std::string, Json>>* keys) {
  for (const auto& item : section.at("properties").items()) {
    if (item.key() == "$schema") continue;
    const std::string key = prefix + item.key();
    // Of what may be a section or a list of them, the section.
    const Json& shape = item.value().contains("oneOf") ? item.value()["oneOf"].at(0) : item.value();
    if (shape.contains("properties")) {
      CollectKeys(shape, key + ".", keys);
    } else {
      keys->emplace_back(key, item.value());
    }
  }
}

std::vector<std::pair<std::string, Json>> SchemaKeys() {
  std::vector<std::pair<std::string, Json>> keys;
  CollectKeys(ConfigSchema(), "", &keys);
  return keys;
}

Json ValueAt(const Json& config, const std::string& key) {
  std::string pointer = "/" + key;
  for (char& letter : pointer) letter = letter == '.' ? '/' : letter;
  return config.at(Json::json_pointer(pointer));
}

// The argument of --set that gives `key` this value.
std::string Typed(const std::string& key, const Json& value) {
  return key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
}

// A random value of the type and range in the schema.
Json RandomValue(const Json& property, std::mt19937_64* generator) {
  auto& random = *generator;
  if (property.contains("enum")) return property["enum"][random() % property["enum"].size()];
  if (property.contains("oneOf")) {
    Json paths = Json::array();
    for (uint64_t i = random() % 3; i > 0; --i) paths.push_back(fmt::format("/x/{}.txt", random()));
    return paths;
  }
  const std::string type = property["type"];
  if (type == "array" && property["items"].contains("enum")) {
    const Json& names = property["items"]["enum"];
    return {names[random() % names.size()]};
  }
  if (type == "array" && property["items"]["type"] == "string") {
    return {fmt::format("{}.*", random())};
  }
  if (type == "array") return {10 + random() % 9, 1 + random() % 9};  // Columns.
  if (type == "boolean") return random() % 2 == 0;
  if (type == "string") return fmt::format("/x/\"ü\\{}\n", random());
  const double low = property.value("minimum", property.value("exclusiveMinimum", -1000.0));
  const double high = property.value("maximum", property.value("exclusiveMaximum", low + 1000));
  if (type == "integer") {
    const auto values = static_cast<uint64_t>(std::min(high - low + 1, 1000.0));
    return static_cast<int64_t>(low) + static_cast<int64_t>(random() % values);
  }
  // Excludes the bounds.
  return low + (high - low) * (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
}

TEST(ConfigTextTest, LoadsToTheSameConfig) {
  const ConfigFolder folder;
  const std::string text = ConfigText(folder.LoadWith(R"("seed": 3, "model": {"dropout": 0.3})"));
  EXPECT_EQ(ConfigText(folder.Load(text)), text);
  EXPECT_THAT(text, EndsWith("}\n"));
  EXPECT_THAT(text, HasSubstr("\n  \"seed\": 3,\n"));
  EXPECT_THAT(text, HasSubstr("\n    \"dropout\": 0.3,\n"));
}

TEST(ConfigTextTest, LoadsToTheSameConfigFromAnotherFolder) {
  const ConfigFolder folder;
  const ConfigFolder other;
  const std::string text = ConfigText(folder.LoadWith(R"("tokenizer": {"model": "m.model"})"));
  EXPECT_EQ(ConfigText(other.Load(text)), text);
}

TEST(ConfigTextTest, KeepsNamedSetsAndTheirOrder) {
  const ConfigFolder folder;
  const ConfigFolder other;
  const Config config = folder.Load(R"({"data": {"train": {"tsv": "train.tsv"}, "valid": [
      {"name": "news", "tsv": ["a.tsv", "b.tsv"], "tsv_columns": [3, 1]},
      {"name": "chat", "source": "c.en", "target": "/c.de"}]}})");
  ASSERT_EQ(config.data.valid.named.size(), 2);
  EXPECT_TRUE(config.data.valid.unnamed.empty());
  EXPECT_EQ(config.data.valid.named[0].name, "news");
  EXPECT_THAT(config.data.valid.named[1].corpus.files.source,
              testing::ElementsAre(folder.path() / "c.en"));
  const std::string text = ConfigText(config);
  EXPECT_EQ(ConfigText(other.Load(text)), text);
}

TEST(ConfigTextTest, OneCorpusIsWrittenAsBeforeThereWereLists) {
  const ConfigFolder folder;
  const Json data = ConfigToJson(folder.LoadSet({"data.valid.tsv=/v.tsv"}))["data"];
  EXPECT_EQ(data["valid"].dump(),
            R"({"source":[],"target":[],"tsv":["/v.tsv"],"tsv_columns":[1,2],"source_prefix":""})");
  EXPECT_EQ(data["test"].dump(),
            R"({"source":[],"target":[],"tsv":[],"tsv_columns":[1,2],"source_prefix":""})");
}

TEST(ConfigValuesTest, HaveTheSameKeysInEveryConfig) {
  const ConfigFolder folder;
  const auto keys_of = [](const Config& config) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : ConfigValues(config)) keys.push_back(key);
    return keys;
  };
  const Config config = folder.LoadSet({R"(data.valid=[{"name": "a", "tsv": "a.tsv"}])"});
  EXPECT_THAT(keys_of(config), ElementsAreArray(keys_of(Config{})));
  ConfigOverrides all;
  for (const auto& [key, value] : ConfigValues(config)) all.emplace_back(Typed(key, value));
  EXPECT_EQ(ConfigText(folder.LoadSet(all)), ConfigText(config));
}

TEST(ConfigTextTest, EveryValidConfigIsRestoredExactly) {
  const ConfigFolder folder;
  const auto keys = SchemaKeys();
  std::mt19937_64 generator(1);
  int accepted = 0;
  constexpr int kTrials = 500;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto& [key, property] = keys[static_cast<size_t>(trial) % keys.size()];
    const Json value = RandomValue(property, &generator);
    Config config;
    try {
      config = folder.LoadSet({Typed(key, value)});
    } catch (const Error& error) {
      // Valid on its own, but not with the other values.
      ASSERT_THAT(error.what(), Not(HasSubstr("is not possible"))) << Typed(key, value);
      continue;
    }
    ++accepted;
    ASSERT_EQ(ValueAt(ConfigToJson(config), key), value) << key;
    ASSERT_EQ(ConfigText(folder.Load(ConfigText(config))), ConfigText(config)) << key;
  }
  EXPECT_GT(accepted, kTrials * 2 / 3);
}

TEST(ConfigTextTest, SettingAKeyToItsDefaultChangesNothing) {
  const ConfigFolder folder;
  const Config config = folder.LoadWith("");
  ConfigOverrides all;
  for (const std::string& key : AllConfigKeys()) {
    all.emplace_back(Typed(key, ValueAt(ConfigToJson(config), key)));
    EXPECT_EQ(ConfigText(folder.LoadSet({all.back()})), ConfigText(config)) << key;
  }
  EXPECT_EQ(ConfigText(folder.LoadSet(all)), ConfigText(config));
}

TEST(ConfigSchemaTest, DescribesExactlyTheKeysOfTheConfig) {
  std::vector<std::string> described;
  for (const auto& [key, property] : SchemaKeys()) {
    described.push_back(key);
    EXPECT_GT(property.at("description").get<std::string>().size(), 5) << key;
    EXPECT_TRUE(property.contains("type") || property.contains("enum") ||
                property.contains("oneOf"))
        << key;
  }
  EXPECT_THAT(described, ElementsAreArray(AllConfigKeys()));
}

TEST(ConfigSchemaTest, HasTheDefaultsOfTheConfig) {
  const Json defaults = ConfigToJson(Config{});
  for (const auto& [key, property] : SchemaKeys()) {
    EXPECT_EQ(property.at("default"), ValueAt(defaults, key)) << key;
  }
}

TEST(ConfigSchemaTest, RequiresTheTrainingTextAndForbidsUnknownKeys) {
  const Json schema = ConfigSchema();
  EXPECT_EQ(schema["required"], Json({"data"}));
  EXPECT_EQ(schema["properties"]["data"]["required"], Json({"train"}));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["model"]["additionalProperties"], false);
  for (const Json& shape : schema["properties"]["data"]["properties"]["valid"]["oneOf"]) {
    const Json& section = shape["type"] == "array" ? shape["items"] : shape;
    EXPECT_EQ(section["additionalProperties"], false) << shape["type"];
  }
}

// The reader accepts the schema's bounds and nothing beyond them.
TEST(ConfigSchemaTest, HasTheRangesThatTheReaderEnforces) {
  const ConfigFolder folder;
  int bounds = 0;
  for (const auto& [key, property] : SchemaKeys()) {
    const auto possible = [&, &key = key](const Json& value) {
      return folder.RefusalSet({Typed(key, value)}).find("is not possible") == std::string::npos;
    };
    const double step = property.value("type", Json()) == "integer" ? 1 : 1e-6;
    const auto near = [&](const Json& bound, double distance) {
      return bound.is_number_integer() ? Json(bound.get<int64_t>() + static_cast<int64_t>(distance))
                                       : Json(bound.get<double>() + distance);
    };
    for (const auto& [bound, inward] :
         std::map<std::string, int>{{"minimum", 1}, {"maximum", -1}}) {
      const std::string excluded = bound == "minimum" ? "exclusiveMinimum" : "exclusiveMaximum";
      if (property.contains(bound)) {
        ++bounds;
        EXPECT_TRUE(possible(property[bound])) << key;
        EXPECT_FALSE(possible(near(property[bound], -inward * step))) << key;
      } else if (property.contains(excluded)) {
        ++bounds;
        EXPECT_FALSE(possible(property[excluded])) << key;
        EXPECT_TRUE(possible(near(property[excluded], inward * step))) << key;
      }
    }
  }
  EXPECT_GT(bounds, 30);
}

}  // namespace
}  // namespace wavemt
