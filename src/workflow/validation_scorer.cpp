#include "workflow/validation_scorer.h"

#include <functional>
#include <optional>
#include <utility>

#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/signature.h"
#include "evaluation/statistics.h"
#include "support/progress.h"
#include "workflow/languages.h"

namespace wavemt {

TrainingInputs::ScoreTranslations MakeValidationScorer(const Config& config, Translator translator,
                                                       std::shared_ptr<const ReferenceText> lines) {
  if (!lines || lines->sources.empty()) return {};
  DecodingConfig decoding = config.decoding;
  decoding.beam_size = config.training.validation_beam_size;
  return [lines = std::move(lines), translator = std::move(translator), decoding,
          tokenizer = BleuTokenizer(config)](
             const std::function<bool()>& stop_requested) -> std::optional<ValidationScores> {
    ProgressBar progress("translating data.valid", static_cast<int64_t>(lines->sources.size()));
    std::vector<std::string> hypotheses;
    try {
      hypotheses =
          translator.TranslateBest({.lines = lines->sources,
                                    .first_line_number = 1,
                                    .progress = [&](int64_t done) { progress.Update(done); },
                                    .stop_requested = stop_requested},
                                   decoding);
    } catch (const SearchStopped&) {
      return std::nullopt;
    }
    const Bleu bleu({.tokenizer = tokenizer});
    const Chrf chrf({});
    return ValidationScores{.bleu = ScoreCorpus(bleu, hypotheses, lines->references).value,
                            .bleu_signature = Signature(bleu),
                            .chrf = ScoreCorpus(chrf, hypotheses, lines->references).value,
                            .chrf_signature = Signature(chrf)};
  };
}

}  // namespace wavemt
