#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"

namespace wavemt {

/// Keys of a model that matter only while it is trained.
inline constexpr std::string_view kTrainingKeysOfModels[] = {
    "model.dropout", "model.attention_dropout", "model.activation_dropout",
    "model.position_encoding.random_shift"};

/// The first key under `model` in which two configs differ, with both values: "model.num_heads: 4
/// and 8". Weights of equal shapes have other meanings then. Keys that matter only in training, and
/// those that begin with one of `ignored`, do not count. Nothing if there is no difference.
std::optional<std::string> DifferenceOfModels(const Config& a, const Config& b,
                                              std::span<const std::string_view> ignored = {});

}  // namespace wavemt
