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
    // An option may have set a whole section: data.valid, of which data.valid[0].name is a part.
    for (std::string_view part = key; !part.empty();) {
      if (const auto found = overrides.find(part); found != overrides.end()) {
        return found->second + ": " + std::string(key);
      }
      const size_t end = part.find_last_of(".[");
      part = part.substr(0, end == std::string_view::npos ? 0 : end);
    }
    return file + ": " + std::string(key);
  }
};

}  // namespace wavemt
