#include "training/tensorboard_hparams.h"

#include <utility>
#include <vector>

#include "config/config_writer.h"
#include "support/json.h"
#include "training/protobuf.h"
#include "training/tensorboard_summary.h"

namespace wavemt {
namespace {

using Settings = std::vector<std::pair<std::string, Json>>;

// Those of the config that are one number, truth value or word.
Settings SettingsToShow(const Config& config) {
  Settings settings;
  for (auto& [key, value] : ConfigValues(config)) {
    const bool is_wanted = key == "seed" || key == "tokenizer.vocab_size" ||
                           key.starts_with("model.") || key.starts_with("training.");
    if (is_wanted && value.is_primitive() && !value.is_null()) settings.emplace_back(key, value);
  }
  return settings;
}

// A message google.protobuf.Value.
std::string ProtobufValue(const Json& value) {
  constexpr int kNumberValue = 2;
  constexpr int kStringValue = 3;
  constexpr int kBoolValue = 4;
  if (value.is_boolean()) return protobuf::Varint(kBoolValue, value.get<bool>() ? 1 : 0);
  if (value.is_number()) return protobuf::Double(kNumberValue, value.get<double>());
  return protobuf::Bytes(kStringValue, value.get<std::string>());
}

// The plug-in's DataType.
uint64_t HparamTypeOf(const Json& value) {
  constexpr uint64_t kString = 1;
  constexpr uint64_t kBool = 2;
  constexpr uint64_t kFloat64 = 3;
  if (value.is_boolean()) return kBool;
  return value.is_number() ? kFloat64 : kString;
}

std::string HparamsSummary(std::string_view tag, int field, const std::string& message) {
  return PluginSummary(tag, "hparams", protobuf::Bytes(field, message));
}

// Field numbers of HParamsPluginData.
constexpr int kExperiment = 2;
constexpr int kSessionStartInfo = 3;
constexpr int kSessionEndInfo = 4;

}  // namespace

std::string ExperimentSummary(const Config& config, double seconds) {
  constexpr int kTimeCreated = 3;
  constexpr int kHparamInfos = 4;
  constexpr int kMetricInfos = 5;
  constexpr int kInfoName = 1;
  constexpr int kHparamType = 4;
  constexpr int kMetricTag = 2;
  std::string message = protobuf::Double(kTimeCreated, seconds);
  for (const auto& [key, value] : SettingsToShow(config)) {
    message +=
        protobuf::Bytes(kHparamInfos, protobuf::Bytes(kInfoName, key) +
                                          protobuf::Varint(kHparamType, HparamTypeOf(value)));
  }
  if (!config.data.valid.empty() && config.training.validate_every > 0) {
    for (const char* tag : {"valid/bleu", "valid/loss"}) {
      message += protobuf::Bytes(kMetricInfos,
                                 protobuf::Bytes(kInfoName, protobuf::Bytes(kMetricTag, tag)));
    }
  }
  return HparamsSummary("_hparams_/experiment", kExperiment, message);
}

std::string SessionStartSummary(const Config& config, double seconds) {
  constexpr int kHparams = 1;
  constexpr int kMapKey = 1;
  constexpr int kMapValue = 2;
  constexpr int kStartTime = 5;
  std::string message;
  for (const auto& [key, value] : SettingsToShow(config)) {
    message += protobuf::Bytes(
        kHparams, protobuf::Bytes(kMapKey, key) + protobuf::Bytes(kMapValue, ProtobufValue(value)));
  }
  message += protobuf::Double(kStartTime, seconds);
  return HparamsSummary("_hparams_/session_start_info", kSessionStartInfo, message);
}

std::string SessionEndSummary(double seconds) {
  constexpr int kStatus = 1;
  constexpr uint64_t kSuccess = 1;
  constexpr int kEndTime = 2;
  return HparamsSummary("_hparams_/session_end_info", kSessionEndInfo,
                        protobuf::Varint(kStatus, kSuccess) + protobuf::Double(kEndTime, seconds));
}

}  // namespace wavemt
