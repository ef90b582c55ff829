#include "model/frozen_weights.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "support/error.h"

namespace wavemt {
namespace {

bool Matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
         fnmatch((pattern + ".*").c_str(), name.c_str(), 0) == 0;
}

// The parts of a model two names deep, such as "encoder.layers" and "source_embedding.weight".
std::set<std::string> PartsOf(const std::vector<std::string>& names) {
  std::set<std::string> parts;
  for (const std::string& name : names) {
    parts.insert(name.substr(0, name.find('.', name.find('.') + 1)));
  }
  return parts;
}

}  // namespace

void FreezeWeights(const std::vector<std::string>& patterns, Transformer* model) {
  auto parameters = (*model)->named_parameters();
  for (const std::string& pattern : patterns) {
    bool matches_any = false;
    for (auto& named : parameters) {
      if (!Matches(pattern, named.key())) continue;
      named.value().requires_grad_(false);
      matches_any = true;
    }
    if (!matches_any) {
      throw UsageError("training.freeze: \"{}\" matches no weight of the model, whose parts are {}",
                       pattern, fmt::join(PartsOf(parameters.keys()), ", "));
    }
  }
  const bool all_frozen =
      !patterns.empty() && std::ranges::none_of(parameters, [](const auto& named) {
        return named.value().requires_grad();
      });
  if (all_frozen) throw UsageError("training.freeze: leaves no weight to train");
}

}  // namespace wavemt
