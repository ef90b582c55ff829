#pragma once

#include <memory>

#include "config/config.h"
#include "decoding/translator.h"
#include "training/validation.h"
#include "workflow/training_text.h"

namespace wavemt {

/// Translates the lines of `text` as `wavemt evaluate` would, but with
/// training.validation_beam_size, and scores the translations with BLEU and chrF, and with accuracy
/// if that selects the best checkpoint. The ranks of `world` share the lines, and rank 0 scores
/// them and keeps the samples that training.validation_samples asks for. Empty if there are no
/// lines.
ScoreTranslations MakeValidationScorer(const Config& config, Translator translator,
                                       const HeldOutText& text, std::shared_ptr<World> world);

}  // namespace wavemt
