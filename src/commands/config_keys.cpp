#include "commands/config_keys.h"

#include "config/config_overrides.h"
#include "config/config_writer.h"
#include "support/json.h"

namespace wavemt {
namespace {

// What the schema says of a key, whose sections are divided by dots.
const Json& PropertyOf(const Json& schema, std::string_view key) {
  const Json* property = &schema;
  while (true) {
    const size_t dot = key.find('.');
    // A key that may be a list as well: the list has these sections again.
    if (const auto shapes = property->find("oneOf"); shapes != property->end()) {
      property = &shapes->front();
    }
    property = &property->at("properties").at(std::string(key.substr(0, dot)));
    if (dot == std::string_view::npos) return *property;
    key.remove_prefix(dot + 1);
  }
}

ConfigKey DescribeKey(const Json& schema, const std::string& name) {
  const Json& property = PropertyOf(schema, name);
  ConfigKey key = {.name = name, .description = property.at("description").get<std::string>()};
  if (property.contains("enum")) {
    key.values = property.at("enum").get<std::vector<std::string>>();
  } else if (property.value("type", Json()) == "boolean") {
    key.values = {"true", "false"};
  }
  return key;
}

}  // namespace

std::vector<ConfigKey> DescribeConfigKeys() {
  const Json schema = ConfigSchema();
  std::vector<ConfigKey> keys;
  for (const std::string& name : AllConfigKeys()) keys.push_back(DescribeKey(schema, name));
  return keys;
}

std::vector<std::string> ValuesOfConfigKey(std::string_view key) {
  for (const ConfigKey& known : DescribeConfigKeys()) {
    if (known.name == key) return known.values;
  }
  return {};
}

}  // namespace wavemt
