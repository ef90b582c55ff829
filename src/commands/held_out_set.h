#pragma once

#include <string>

#include "config/config.h"
#include "config/config_overrides.h"

namespace wavemt {

/// An option that names one of the sets of a list, and the list.
struct SetOption {
  const char* option = nullptr;  // "--test-set"
  const char* key = nullptr;     // "data.test"
  const CorpusList<HeldOutCorpus>& sets;
};
/// The set that is called `name`. Throws a usage error if the list has none, or is no list.
Named<HeldOutCorpus> ChooseSet(const SetOption& option, const std::string& name);

/// The tags before the sources of a set: what was typed comes before what the config says.
std::string SourcePrefixOfSet(const HeldOutCorpus& set, const Config& config,
                              const ConfigOverrides& overrides);

}  // namespace wavemt
