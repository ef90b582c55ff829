#include "report/run_report.h"

#include <algorithm>
#include <string_view>

namespace wavemt {
namespace {

constexpr std::string_view kFirstSet = "valid";

// Whether the sets of data.valid have names.
bool HasNamedSets(const MetricsHistory& metrics) {
  return std::ranges::any_of(metrics.series, [](const LoggedSeries& series) {
    return series.key.starts_with("valid/") && series.key.find('/') != series.key.rfind('/');
  });
}

}  // namespace

std::string MetricTitle(const std::string& metric) {
  if (metric == "bleu") return "BLEU";
  if (metric == "chrf") return "chrF";
  if (metric == "ter") return "TER";
  return metric;
}

std::optional<ScoreKey> ScoreKeyOf(const MetricsHistory& metrics, const std::string& key) {
  const size_t slash = key.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  ScoreKey score{.set = key.substr(0, slash), .metric = key.substr(slash + 1)};
  if (score.set == kFirstSet && HasNamedSets(metrics)) return std::nullopt;
  return score;
}

}  // namespace wavemt
