#include "commands/held_out_set.h"

#include <fmt/ranges.h>

#include <vector>

#include "commands/shared_options.h"
#include "support/error.h"
#include "support/suggestion.h"
#include "workflow/training_text.h"

namespace wavemt {

Named<HeldOutCorpus> ChooseSet(const SetOption& option, const std::string& name) {
  std::vector<std::string> names;
  for (const Named<HeldOutCorpus>& set : option.sets.named) {
    if (set.name == name) return set;
    names.push_back(set.name);
  }
  if (names.empty()) {
    throw UsageError("{} {}: {} of the run's config is not a list of named sets", option.option,
                     name, option.key);
  }
  throw UsageError("{} {}: {} of the run's config has no such set{}; it has {}", option.option,
                   name, option.key, DidYouMean(name, names), fmt::join(names, ", "));
}

std::string SourcePrefixOfSet(const HeldOutCorpus& set, const Config& config,
                              const ConfigOverrides& overrides) {
  return IsTyped(overrides, "decoding.source_prefix") ? config.decoding.source_prefix
                                                      : SourcePrefixOf(set, config);
}

}  // namespace wavemt
