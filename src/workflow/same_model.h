#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace wavemt {

/// A key under `model` in which two configs differ, with its values as JSON.
struct ModelDifference {
  std::string key;  // "model.num_heads"
  std::string value_of_a;
  std::string value_of_b;
};

/// The keys in which the models of two configs differ: weights of equal shapes have other meanings
/// then. Keys that matter only in training, and those that begin with one of `ignored`, do not
/// count.
std::vector<ModelDifference> DifferencesOfModels(const Config& a, const Config& b,
                                                 std::span<const std::string_view> ignored = {});

/// The first of them; nothing if there is no difference.
std::optional<ModelDifference> DifferenceOfModels(const Config& a, const Config& b,
                                                  std::span<const std::string_view> ignored = {});

}  // namespace wavemt
