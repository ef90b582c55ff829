#include "training/training_state.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "support/error.h"

namespace wavemt {
namespace {

const Json& Member(const Json& json, const char* name, std::string_view origin) {
  const bool found = json.is_object() && json.contains(name);
  if (!found || !(json[name].is_number() || json[name].is_null())) {
    throw UsageError("{}: \"{}\" is missing or not a number", origin, name);
  }
  return json[name];
}

constexpr int64_t kMaxRanks = 1'000'000;

// For values that old versions did not write.
std::optional<int64_t> CountIfAny(const Json& json, const char* name, std::string_view origin) {
  if (!json.contains(name) || json[name].is_null()) return std::nullopt;
  return JsonCount(json, name, origin);
}

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

bool Flag(const Json& json, const char* name, std::string_view origin) {
  if (!json.is_object() || !json.contains(name) || !json[name].is_boolean()) {
    throw UsageError("{}: \"{}\" is neither true nor false", origin, name);
  }
  return json[name].get<bool>();
}

double Number(const Json& json, const char* name, std::string_view origin) {
  const Json& value = Member(json, name, origin);
  if (!value.is_number()) throw UsageError("{}: \"{}\" is not a number", origin, name);
  return value.get<double>();
}

std::optional<double> NumberIfAny(const Json& json, const char* name, std::string_view origin) {
  if (!json.contains(name) || json[name].is_null()) return std::nullopt;
  return Number(json, name, origin);
}

// The checkpoints of these steps will be read and kept.
std::vector<BestScore> NextBest(const Json& json, const TrainingState& state,
                                std::string_view origin) {
  constexpr const char* kName = "next_best";
  if (!json.contains(kName)) return {};
  std::vector<BestScore> next_best = BestScoresFromJson(json[kName], kName, origin);
  if (!next_best.empty() && !state.best_score) {
    throw UsageError("{}: \"{}\" follows no best score", origin, kName);
  }
  const auto is_possible = [&](const BestScore& score) {
    return score.step <= state.step && score.step != state.best_step;
  };
  if (!std::ranges::all_of(next_best, is_possible)) {
    throw UsageError("{}: \"{}\" names the best step again, or a step after the last", origin,
                     kName);
  }
  return next_best;
}

}  // namespace

int64_t EpochNumber(const DataPosition& position) {
  return position.batch == 0 && position.epoch > 0 ? position.epoch : position.epoch + 1;
}

Json ToJson(const TrainingState& state) {
  return {
      {"step", state.step},
      {"epoch", EpochNumber(state.position)},
      {"epochs_completed", state.position.epoch},
      {"batch_in_epoch", state.position.batch},
      {"corpus_checksum", OrNull(state.corpus_checksum)},
      {"num_ranks", state.num_ranks},
      {"target_tokens", state.target_tokens},
      {"seconds", state.seconds},
      {"best_score", OrNull(state.best_score)},
      {"best_loss", OrNull(state.best_loss)},
      {"best_step", state.best_step},
      {"next_best", ToJson(state.next_best)},
      {"validations_without_best", state.validations_without_best},
      {"validation_pending", state.validation_pending},
      {"valid_checksum", OrNull(state.valid_checksum)},
      {"valid_length_penalty", OrNull(state.valid_length_penalty)},
      {"skipped_steps", state.skipped_steps},
      {"skipped_in_a_row", state.skipped_in_a_row},
      {"memory_limit", state.memory.limit},
      {"memory_for_tensors", state.memory.tensors},
      {"interval_loss", state.interval_loss},
      {"interval_tokens", state.interval_tokens},
      {"metrics_bytes", state.metrics ? Json(state.metrics->bytes) : Json(nullptr)},
      {"metrics_checksum", state.metrics ? Json(state.metrics->checksum.value()) : Json(nullptr)}};
}

TrainingState TrainingStateFromJson(const Json& json, std::string_view origin) {
  TrainingState state;
  state.step = JsonCount(json, "step", origin);
  const auto epochs_completed = CountIfAny(json, "epochs_completed", origin);
  // Before version 0.2.0, "epoch" was the number of completed epochs.
  const int64_t epoch = JsonCount(json, "epoch", origin);
  state.position_is_of_earlier_version = !epochs_completed;
  state.position = {.epoch = epochs_completed.value_or(epoch),
                    .batch = JsonCount(json, "batch_in_epoch", origin)};
  state.corpus_checksum = CountIfAny(json, "corpus_checksum", origin);
  state.num_ranks = CountIfAny(json, "num_ranks", origin).value_or(1);
  if (state.num_ranks < 1 || state.num_ranks > kMaxRanks) {
    throw UsageError("{}: \"num_ranks\" is not a number of processes", origin);
  }
  state.target_tokens = JsonCount(json, "target_tokens", origin);
  state.seconds = Number(json, "seconds", origin);
  if (!Member(json, "best_score", origin).is_null()) {
    state.best_score = Number(json, "best_score", origin);
  }
  state.best_loss = NumberIfAny(json, "best_loss", origin);
  state.best_step = JsonCount(json, "best_step", origin);
  state.next_best = NextBest(json, state, origin);
  state.validations_without_best = JsonCount(json, "validations_without_best", origin);
  state.validation_pending = Flag(json, "validation_pending", origin);
  state.valid_checksum = CountIfAny(json, "valid_checksum", origin);
  state.valid_length_penalty = NumberIfAny(json, "valid_length_penalty", origin);
  state.skipped_steps = JsonCount(json, "skipped_steps", origin);
  if (state.skipped_steps > state.step) {
    throw UsageError("{}: \"skipped_steps\" is more than all steps", origin);
  }
  state.skipped_in_a_row = JsonCount(json, "skipped_in_a_row", origin);
  state.memory = {.limit = JsonCount(json, "memory_limit", origin),
                  .tensors = JsonCount(json, "memory_for_tensors", origin)};
  // JSON cannot represent the loss of a run that diverged; the library writes null.
  state.interval_loss = Member(json, "interval_loss", origin).is_null()
                            ? std::numeric_limits<double>::quiet_NaN()
                            : Number(json, "interval_loss", origin);
  state.interval_tokens = JsonCount(json, "interval_tokens", origin);
  const auto metrics_bytes = CountIfAny(json, "metrics_bytes", origin);
  const auto metrics_checksum = CountIfAny(json, "metrics_checksum", origin);
  if (metrics_bytes && metrics_checksum) {
    state.metrics = {.bytes = *metrics_bytes,
                     .checksum = Crc32(static_cast<uint32_t>(*metrics_checksum))};
  }
  return state;
}

}  // namespace wavemt
