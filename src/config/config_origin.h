#pragma once

#include <map>
#include <string>
#include <string_view>

namespace wavemt {

/// Knows where each config key got its value, for messages.
struct ConfigOrigin {
  std::string file;
  /// The command-line option that set a key, by key.
  std::map<std::string, std::string, std::less<>> overrides;

  /// The key with its origin: "configs/x.json: model.num_heads", or
  /// "--set model.num_heads=7: model.num_heads".
  std::string Of(std::string_view key) const {
    const auto found = overrides.find(key);
    return (found == overrides.end() ? file : found->second) + ": " + std::string(key);
  }
};

}  // namespace wavemt
