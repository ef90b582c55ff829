#pragma once

#include <map>
#include <string>
#include <string_view>

namespace wavemt {

/// Says where the value of a config key was written, for messages.
struct ConfigOrigin {
  std::string file;
  /// What was typed on the command line, by key.
  std::map<std::string, std::string, std::less<>> overrides;

  /// "configs/x.json: model.num_heads", or "--set model.num_heads=7: model.num_heads".
  std::string Of(std::string_view key) const {
    const auto found = overrides.find(key);
    return (found == overrides.end() ? file : found->second) + ": " + std::string(key);
  }
};

}  // namespace wavemt
