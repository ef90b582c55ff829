#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config_origin.h"
#include "support/json.h"

namespace wavemt {

/// A value for a config key from the command line. Converts implicitly from the argument of --set.
struct ConfigOverride {
  std::string assignment;  // "decoding.beam_size=4"
  std::string typed;       // "--beam-size 4", for messages.

  ConfigOverride(std::string key_and_value)  // Implicit.
      : assignment(std::move(key_and_value)), typed("--set " + assignment) {}
  ConfigOverride(const char* key_and_value) : ConfigOverride(std::string(key_and_value)) {}
  ConfigOverride(std::string key_and_value, std::string as_typed)
      : assignment(std::move(key_and_value)), typed(std::move(as_typed)) {}

  /// "decoding.beam_size"
  std::string key() const { return assignment.substr(0, assignment.find('=')); }
};
using ConfigOverrides = std::vector<ConfigOverride>;

/// Writes each "a.b=c" into `document` and records it in `origin`. If a key occurs more than once,
/// the last value wins. c is JSON, or plain text if the key's value is a string; paths are relative
/// to the current folder. Of a section that may be a list of sets (data.valid), c may be the whole
/// section or list. Throws a usage error for an unknown key or an override without "=".
void ApplyOverrides(const ConfigOverrides& overrides, Json* document, ConfigOrigin* origin);

/// All keys of the config, in documentation order: "seed", "run_dir", "data.train.source", ...
std::vector<std::string> AllConfigKeys();

}  // namespace wavemt
