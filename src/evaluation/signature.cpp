#include "evaluation/signature.h"

namespace wavemt {
namespace {

// The version of sacreBLEU whose scores we reproduce.
constexpr const char* kReferenceVersion = "2.6.0";

}  // namespace

std::vector<SignatureItem> AllSignatureItems(const Metric& metric,
                                             const SignatureContext& context) {
  std::vector<SignatureItem> items = {{"nrefs", "#", context.num_references}};
  if (context.bootstrap_samples) {
    items.push_back({"bs", "bs", std::to_string(*context.bootstrap_samples)});
  }
  if (context.randomization_trials) {
    items.push_back({"ar", "ar", std::to_string(*context.randomization_trials)});
  }
  if (!context.seed.empty()) items.push_back({"seed", "rs", context.seed});
  for (SignatureItem& item : metric.SignatureItems()) items.push_back(std::move(item));
  items.push_back({"version", "v", kReferenceVersion});
  return items;
}

std::string Signature(const Metric& metric, const SignatureContext& context, bool short_form) {
  std::string text;
  for (const SignatureItem& item : AllSignatureItems(metric, context)) {
    if (!text.empty()) text += '|';
    text += (short_form ? item.short_name : item.name) + ":" + item.value;
  }
  return text;
}

}  // namespace wavemt
