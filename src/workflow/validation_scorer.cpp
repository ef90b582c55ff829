#include "workflow/validation_scorer.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/accuracy.h"
#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/signature.h"
#include "evaluation/statistics.h"
#include "support/json.h"
#include "support/progress.h"
#include "workflow/languages.h"

namespace wavemt {

namespace {

// Lines to translate, and what they are called on the terminal.
struct NamedLines {
  const std::vector<std::string>& lines;
  const std::string& name;
};

// Nothing if it was stopped.
std::optional<std::vector<std::string>> TranslateShare(
    const NamedLines& text, const Translator& translator, const DecodingConfig& decoding,
    const World& world, const std::function<bool()>& stop_requested) {
  const std::vector<std::string>& lines = text.lines;
  const auto size = static_cast<int64_t>(lines.size());
  const auto begin_of = [&](int64_t rank) { return size * rank / world.size(); };
  const int64_t begin = begin_of(world.rank());
  const int64_t count = begin_of(world.rank() + 1) - begin;
  ProgressBar progress(fmt::format("translating {}", text.name), count);
  try {
    return translator.TranslateBest(
        {.lines = std::span(lines).subspan(static_cast<size_t>(begin), static_cast<size_t>(count)),
         .first_line_number = begin + 1,
         .progress = [&](int64_t done) { progress.Update(done); },
         .stop_requested = stop_requested},
        decoding);
  } catch (const SearchStopped&) {
    return std::nullopt;
  }
}

// The translations of all lines, from each rank's share.
std::vector<std::string> AllShares(std::vector<std::string> own, World& world) {
  if (world.is_alone()) return own;
  std::vector<std::string> all;
  for (const std::string& share : world.Gather(JsonText(Json(own)))) {
    const auto lines = Json::parse(share).get<std::vector<std::string>>();
    all.insert(all.end(), lines.begin(), lines.end());
  }
  return all;
}

// Samples of the translations of `text`, spread evenly over it, so that they are always of the same
// sentences.
std::vector<SampleTranslation> SamplesOf(const ReferenceText& text,
                                         const std::vector<std::string>& translations,
                                         int64_t wanted) {
  const size_t size = text.sources.size();
  const size_t count = std::min(static_cast<size_t>(wanted), size);
  std::vector<SampleTranslation> samples;
  for (size_t i = 0; i < count; ++i) {
    const size_t line = (2 * i + 1) * size / (2 * count);  // In the middle of the i-th part.
    samples.push_back({.source = text.sources[line],
                       .reference = text.references[line],
                       .translation = translations[line]});
  }
  return samples;
}

}  // namespace

ScoreTranslations MakeValidationScorer(const Config& config, Translator translator,
                                       const HeldOutText& text, std::shared_ptr<World> world) {
  if (text.lines->sources.empty()) return {};
  DecodingConfig decoding = config.decoding;
  decoding.beam_size = config.training.validation_beam_size;
  decoding.sampling = false;
  decoding.mbr_samples = 0;
  decoding.source_prefix = text.source_prefix;
  const bool with_accuracy = config.training.best_metric == ValidationMetric::kAccuracy;
  return [lines = text.lines, name = text.description, translator = std::move(translator), decoding,
          world = std::move(world), tokenizer = BleuTokenizer(config), with_accuracy,
          num_samples = config.training.validation_samples](
             const std::function<bool()>& stop_requested) -> std::optional<ValidationScores> {
    std::optional<std::vector<std::string>> share;
    world->Together([&] {
      share = TranslateShare({.lines = lines->sources, .name = name}, translator, decoding, *world,
                             stop_requested);
    });
    if (world->AnyOf(!share)) return std::nullopt;
    const std::vector<std::string> hypotheses = AllShares(std::move(*share), *world);
    const Bleu bleu({.tokenizer = tokenizer});
    const Chrf chrf({});
    const Accuracy accuracy;
    Json values;
    if (world->is_first()) {
      const Score bleu_score = ScoreCorpus(bleu, hypotheses, lines->references);
      values = {bleu_score.value, ScoreCorpus(chrf, hypotheses, lines->references).value,
                ScoreCorpus(accuracy, hypotheses, lines->references).value,
                BrevityPenaltyOf(bleu_score)};
    }
    values = Json::parse(world->FromFirst(values.dump()));
    ValidationScores scores{.bleu = values[0].get<double>(),
                            .bleu_signature = Signature(bleu),
                            .brevity_penalty = values[3].get<double>(),
                            .chrf = values[1].get<double>(),
                            .chrf_signature = Signature(chrf)};
    if (with_accuracy) {
      scores.accuracy = values[2].get<double>();
      scores.accuracy_signature = Signature(accuracy);
    }
    if (world->is_first()) scores.samples = SamplesOf(*lines, hypotheses, num_samples);
    return scores;
  };
}

}  // namespace wavemt
