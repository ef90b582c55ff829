#pragma once

#include <span>
#include <string>

#include "commands/score_printer.h"
#include "support/json.h"

namespace wavemt {

/// One object of --json: the set if it has a name, then name, score, signature, the metric's
/// components and the interval.
Json ScoreToJson(const MetricResult& result, const std::string& set = "");
/// An array with one object per system and metric, including the results of paired tests.
Json SystemsToJson(std::span<const SystemResults> systems);

/// The same in the format of sacreBLEU's --format json, with scores rounded to `width` decimals.
std::string ScoreAsSacrebleu(const MetricResult& result, const OutputOptions& options,
                             const std::string& set = "");
Json SystemsAsSacrebleu(std::span<const SystemResults> systems, const OutputOptions& options);

/// "63.6" or, with a confidence interval, "63.6 (μ = 63.5 ± 0.4)".
std::string ScoreText(const MetricResult& result, int width);

/// "63.61" for 63.6144 and a width of 2.
std::string FixedWidth(double value, int width);

}  // namespace wavemt
