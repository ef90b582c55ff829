#include "config/config_resume.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "config/config_fields.h"
#include "support/error.h"

namespace wavemt {
namespace {

// Collects the OnResume of each key, by its full name.
class ResumeLister {
 public:
  ResumeLister(std::string prefix, std::map<std::string, OnResume>* keys,
               std::set<std::string>* listable)
      : prefix_(std::move(prefix)), keys_(keys), listable_(listable) {}

  template <typename T>
  void Field(std::string_view name, T& /*value*/, const KeyDoc& doc) {
    (*keys_)[prefix_ + std::string(name)] = doc.on_resume;
  }
  template <typename T>
  void Field(std::string_view name, T& value, Range /*range*/, const KeyDoc& doc) {
    Field(name, value, doc);
  }
  template <typename T>
  void Section(std::string_view name, T& section, std::string_view /*doc*/) {
    ResumeLister lister(prefix_ + std::string(name) + ".", keys_, listable_);
    VisitFields(lister, section);
  }
  template <typename Sets>
  void SectionOrList(std::string_view name, Sets& sets, std::string_view doc) {
    listable_->insert(prefix_ + std::string(name));
    Section(name, sets.unnamed, doc);
  }

 private:
  std::string prefix_;
  std::map<std::string, OnResume>* keys_;
  std::set<std::string>* listable_;
};

bool MayChangeIn(const Config& config, OnResume on_resume) {
  const ValidationMetric metric = config.training.best_metric;
  switch (on_resume) {
    case OnResume::kFixed:
      return false;
    case OnResume::kMayChange:
      return true;
    case OnResume::kFixedForTranslationScores:
      return metric == ValidationMetric::kLoss || metric == ValidationMetric::kPerplexity;
    case OnResume::kFixedForBleu:
      return metric != ValidationMetric::kBleu;
  }
  return false;
}

}  // namespace

void RequireMayChange(const Config& config, const ConfigOverrides& overrides) {
  std::map<std::string, OnResume> keys;
  std::set<std::string> listable;
  ResumeLister lister("", &keys, &listable);
  Config copy = config;  // VisitFields() needs a mutable config.
  VisitFields(lister, copy);
  for (const ConfigOverride& override : overrides) {
    const std::string changed = override.key();
    // Of a whole corpus, or a list of them, the paths may change; loading it checks that the text
    // has not.
    if (listable.contains(changed)) continue;
    for (const auto& [key, on_resume] : keys) {
      // A section's name covers every key in it.
      const bool is_meant = key == changed || key.starts_with(changed + ".");
      if (is_meant && !MayChangeIn(config, on_resume)) {
        throw UsageError(
            "{}: {} cannot change in the middle of a run; start a new one with `wavemt train`",
            override.typed, changed);
      }
    }
  }
}

}  // namespace wavemt
