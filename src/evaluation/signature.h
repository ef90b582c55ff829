#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/metric.h"

namespace wavemt {

/// What a signature says besides the metric's options.
struct SignatureContext {
  std::string num_references = "1";  // "var" where it differs between segments.
  std::optional<int64_t> bootstrap_samples;
  std::optional<int64_t> randomization_trials;
  std::string seed;  // Of the resampling; empty: there was none.
};

/// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0": what a score depends on, as
/// sacreBLEU writes it (Post 2018). `short_form`: "#:1|c:mixed|...".
std::string Signature(const Metric& metric, const SignatureContext& context = {},
                      bool short_form = false);

/// Its parts, in the same order.
std::vector<SignatureItem> SignatureParts(const Metric& metric, const SignatureContext& context);

}  // namespace wavemt
