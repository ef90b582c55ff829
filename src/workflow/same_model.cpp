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

std::optional<ModelDifference> DifferenceOfModels(const Config& a, const Config& b,
                                                  std::span<const std::string_view> ignored) {
  const Json values_of_a = ConfigToJson(a)["model"].flatten();
  const Json values_of_b = ConfigToJson(b)["model"].flatten();
  for (const auto& [pointer, value] : values_of_a.items()) {
    std::string key = "model" + pointer;  // A JSON pointer: "/position_encoding/type".
    std::ranges::replace(key, '/', '.');
    const auto begins_key = [&](std::string_view prefix) { return key.starts_with(prefix); };
    const bool counts =
        std::ranges::find(kTrainingKeysOfModels, key) == std::end(kTrainingKeysOfModels) &&
        std::ranges::none_of(ignored, begins_key);
    if (counts && value != values_of_b[pointer]) {
      return ModelDifference{
          .key = key, .value_of_a = value.dump(), .value_of_b = values_of_b[pointer].dump()};
    }
  }
  return std::nullopt;
}

}  // namespace wavemt
