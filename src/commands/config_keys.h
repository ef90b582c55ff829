#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// A key that --set takes, as a shell offers it.
struct ConfigKey {
  std::string name{};                 // "training.precision"
  std::string description{};          // Of `wavemt config schema`.
  std::vector<std::string> values{};  // All that are possible, if they can be listed.
};

/// All of them, in the order of the documentation.
std::vector<ConfigKey> DescribeConfigKeys();

/// The values of one of them; empty if they cannot be listed or there is no such key.
std::vector<std::string> ValuesOfConfigKey(std::string_view key);

}  // namespace wavemt
