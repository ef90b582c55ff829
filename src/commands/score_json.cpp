#include "commands/score_json.h"

#include <fmt/format.h>

#include <cmath>

namespace wavemt {
namespace {

Json ToJson(const Score::Number& number) {
  return std::visit([](const auto& value) { return Json(value); }, number);
}

// Counts are whole numbers unless smoothing has added a fraction.
Json CountToJson(double count) {
  return count == std::floor(count) ? Json(static_cast<int64_t>(count)) : Json(count);
}

Json ToJson(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

double RoundedTo(double value, int width) { return std::stod(FixedWidth(value, width)); }

// sacreBLEU shows no interval around 0.
bool ShowsInterval(const MetricResult& result) {
  return result.interval && result.interval->mean > 0;
}

std::string IntervalText(const ConfidenceInterval& interval, int width) {
  return fmt::format("μ = {} ± {}", FixedWidth(interval.mean, width),
                     FixedWidth(interval.half_width, width));
}

// An object that begins with the set, if it has a name.
Json ObjectOfSet(const std::string& set) {
  Json json = Json::object();
  if (!set.empty()) json["set"] = set;
  return json;
}

// The name, score, signature and components.
Json PlainScoreToJson(const MetricResult& result) {
  Json json = {{"name", result.metric->Name()},
               {"score", result.score.value},
               {"signature", Signature(*result.metric, result.context)}};
  for (const auto& [name, value] : result.score.components) {
    json[name] = ToJson(value);
    if (name != "counts" && name != "totals") continue;
    for (Json& count : json[name]) count = CountToJson(count.get<double>());
  }
  return json;
}

Json PairedAsSacrebleu(const MetricResult& result) {
  const auto& interval = result.interval;
  return {{"score", result.score.value},
          {"p_value", ToJson(result.p_value)},
          {"mean", interval ? Json(interval->mean) : Json()},
          {"ci", interval ? Json(interval->half_width) : Json()}};
}

}  // namespace

std::string FixedWidth(double value, int width) { return fmt::format("{:.{}f}", value, width); }

std::string ScoreText(const MetricResult& result, int width) {
  std::string text = FixedWidth(result.score.value, width);
  if (ShowsInterval(result)) text += " (" + IntervalText(*result.interval, width) + ")";
  return text;
}

Json ScoreToJson(const MetricResult& result, const std::string& set) {
  Json json = ObjectOfSet(set);
  json.update(PlainScoreToJson(result));
  if (result.interval) {
    json["confidence_mean"] = result.interval->mean;
    json["confidence_var"] = result.interval->half_width;
  }
  return json;
}

Json SystemsToJson(std::span<const SystemResults> systems) {
  Json array = Json::array();
  for (const auto& [system, results] : systems) {
    for (const MetricResult& result : results) {
      Json json = {{"system", system}};
      json.update(PlainScoreToJson(result));
      if (!result.context.seed.empty()) json["p_value"] = ToJson(result.p_value);
      if (result.interval) {
        json["mean"] = result.interval->mean;
        json["ci"] = result.interval->half_width;
      }
      array.push_back(std::move(json));
    }
  }
  return array;
}

std::string ScoreAsSacrebleu(const MetricResult& result, const OutputOptions& options,
                             const std::string& set) {
  if (options.score_only) return ScoreText(result, options.width);
  Json json = ObjectOfSet(set);
  json["name"] = result.metric->Name();
  json["score"] = RoundedTo(result.score.value, options.width);
  json["signature"] = Signature(*result.metric, result.context);
  if (ShowsInterval(result)) {
    json["confidence_mean"] = RoundedTo(result.interval->mean, options.width);
    json["confidence_var"] = RoundedTo(result.interval->half_width, options.width);
    json["confidence"] = IntervalText(*result.interval, options.width);
  }
  if (!result.score.details.empty()) json["verbose_score"] = result.score.details;
  for (const SignatureItem& item : AllSignatureItems(*result.metric, result.context)) {
    json[item.name] = item.value;
  }
  return json.dump(1);
}

Json SystemsAsSacrebleu(std::span<const SystemResults> systems, const OutputOptions& options) {
  Json array = Json::array();
  for (const auto& [system, results] : systems) {
    Json json = {{"system", system}};
    for (const MetricResult& result : results) {
      const bool paired = !result.context.seed.empty();
      json[result.metric->Name()] =
          paired ? PairedAsSacrebleu(result) : Json(FixedWidth(result.score.value, options.width));
    }
    array.push_back(std::move(json));
  }
  return array;
}

}  // namespace wavemt
