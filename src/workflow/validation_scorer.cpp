#include "workflow/validation_scorer.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/signature.h"
#include "evaluation/statistics.h"
#include "support/json.h"
#include "support/progress.h"
#include "workflow/languages.h"

namespace wavemt {

namespace {

// Nothing if it was stopped.
std::optional<std::vector<std::string>> TranslateShare(
    const std::vector<std::string>& lines, const Translator& translator,
    const DecodingConfig& decoding, const World& world,
    const std::function<bool()>& stop_requested) {
  const auto size = static_cast<int64_t>(lines.size());
  const auto begin_of = [&](int64_t rank) { return size * rank / world.size(); };
  const int64_t begin = begin_of(world.rank());
  const int64_t count = begin_of(world.rank() + 1) - begin;
  ProgressBar progress("translating data.valid", count);
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

}  // namespace

TrainingInputs::ScoreTranslations MakeValidationScorer(const Config& config, Translator translator,
                                                       std::shared_ptr<const ReferenceText> lines,
                                                       std::shared_ptr<World> world) {
  if (!lines || lines->sources.empty()) return {};
  DecodingConfig decoding = config.decoding;
  decoding.beam_size = config.training.validation_beam_size;
  return [lines = std::move(lines), translator = std::move(translator), decoding,
          world = std::move(world), tokenizer = BleuTokenizer(config)](
             const std::function<bool()>& stop_requested) -> std::optional<ValidationScores> {
    std::optional<std::vector<std::string>> share;
    world->Together([&] {
      share = TranslateShare(lines->sources, translator, decoding, *world, stop_requested);
    });
    if (world->AnyOf(!share)) return std::nullopt;
    const std::vector<std::string> hypotheses = AllShares(std::move(*share), *world);
    const Bleu bleu({.tokenizer = tokenizer});
    const Chrf chrf({});
    Json values;
    if (world->is_first()) {
      values = {ScoreCorpus(bleu, hypotheses, lines->references).value,
                ScoreCorpus(chrf, hypotheses, lines->references).value};
    }
    values = Json::parse(world->FromFirst(values.dump()));
    return ValidationScores{.bleu = values[0].get<double>(),
                            .bleu_signature = Signature(bleu),
                            .chrf = values[1].get<double>(),
                            .chrf_signature = Signature(chrf)};
  };
}

}  // namespace wavemt
