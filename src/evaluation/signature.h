#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/metric.h"

namespace wavemt {

/// The contents of a signature other than the metric's options.
struct SignatureContext {
  std::string num_references = "1";  // "var" if it differs between segments.
  std::optional<int64_t> bootstrap_samples;
  std::optional<int64_t> randomization_trials;
  std::string seed;  // For resampling; empty if there was none.
};

/// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0": the settings behind a score, as
/// sacreBLEU prints them (Post 2018). With `short_form`: "#:1|c:mixed|...".
std::string Signature(const Metric& metric, const SignatureContext& context = {},
                      bool short_form = false);

/// The items of a signature, in the same order.
std::vector<SignatureItem> AllSignatureItems(const Metric& metric, const SignatureContext& context);

}  // namespace wavemt
