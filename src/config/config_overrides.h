#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config_origin.h"
#include "support/json.h"

namespace wavemt {

/// A value for a config key from the command line. A text converts to what `--set` would give.
struct ConfigOverride {
  std::string assignment;  // "decoding.beam_size=4"
  std::string typed;       // "--beam-size 4": what messages show.

  ConfigOverride(std::string key_and_value)  // Implicit: the text of a --set.
      : assignment(std::move(key_and_value)), typed("--set " + assignment) {}
  ConfigOverride(const char* key_and_value) : ConfigOverride(std::string(key_and_value)) {}
  ConfigOverride(std::string key_and_value, std::string as_typed)
      : assignment(std::move(key_and_value)), typed(std::move(as_typed)) {}

  /// "decoding.beam_size"
  std::string key() const { return assignment.substr(0, assignment.find('=')); }
};
using ConfigOverrides = std::vector<ConfigOverride>;

/// Puts each "a.b=c" into `document` as if it had been written there, one after the other, so that
/// the last one of a key holds, and notes it in `origin`. c is JSON, or plain text where the key
/// holds text; a path is taken from the current folder. Throws a usage error for an unknown key or
/// a text without "=".
void ApplyOverrides(const ConfigOverrides& overrides, Json* document, ConfigOrigin* origin);

/// All keys of the config in their order: "seed", "run_dir", "data.train.source", ...
std::vector<std::string> AllConfigKeys();

}  // namespace wavemt
