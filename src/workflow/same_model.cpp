#include "workflow/same_model.h"

#include <algorithm>
#include <iterator>

#include "config/config_writer.h"

namespace wavemt {
namespace {

// Keys of a model that matter only while it is trained.
constexpr std::string_view kTrainingKeysOfModels[] = {"model.dropout", "model.attention_dropout",
                                                      "model.activation_dropout",
                                                      "model.position_encoding.random_shift"};

}  // namespace

std::vector<ModelDifference> DifferencesOfModels(const Config& a, const Config& b,
                                                 std::span<const std::string_view> ignored) {
  std::vector<ModelDifference> differences;
  const auto values_of_a = ConfigValues(a);
  const auto values_of_b = ConfigValues(b);
  for (size_t i = 0; i < values_of_a.size(); ++i) {
    const auto& [key, value] = values_of_a[i];
    const Json& value_of_b = values_of_b[i].second;
    if (!key.starts_with("model.") || value == value_of_b) continue;
    const auto begins_key = [&key = key](std::string_view prefix) {
      return key.starts_with(prefix);
    };
    const bool counts =
        std::ranges::find(kTrainingKeysOfModels, key) == std::end(kTrainingKeysOfModels) &&
        std::ranges::none_of(ignored, begins_key);
    if (counts) differences.push_back({key, value.dump(), value_of_b.dump()});
  }
  return differences;
}

std::optional<ModelDifference> DifferenceOfModels(const Config& a, const Config& b,
                                                  std::span<const std::string_view> ignored) {
  const std::vector<ModelDifference> differences = DifferencesOfModels(a, b, ignored);
  return differences.empty() ? std::nullopt : std::optional(differences.front());
}

}  // namespace wavemt
