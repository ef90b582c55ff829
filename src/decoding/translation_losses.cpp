#include "decoding/translation_losses.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "support/logging.h"
#include "support/progress.h"

namespace wavemt {

void TranslationLosses::Lines::Add(int64_t line_number) {
  constexpr size_t kShown = 10;
  ++count;
  if (first.size() < kShown) first.push_back(line_number);
}

std::string TranslationLosses::Lines::Text() const {
  return fmt::format("{} line{} ({}{})", WithThousands(count), count == 1 ? "" : "s",
                     fmt::join(first, ", "),
                     count > static_cast<int64_t>(first.size()) ? ", ..." : "");
}

void TranslationLosses::Add(int64_t line_number, const TranslatedLine& line) {
  if (line.was_cut) {
    was_cut_.Add(line_number);
  } else if (line.exceeds_training) {
    exceeds_training_.Add(line_number);
  }
  if (line.has_unknown) has_unknown_.Add(line_number);
  if (line.output_was_cut) output_was_cut_.Add(line_number);
}

void TranslationLosses::Warn(const Config& config, const TrainedOn& trained_on) const {
  if (was_cut_.count > 0) {
    spdlog::warn(
        "{}: longer than the model's positions, cut inside a sentence and translated in parts",
        was_cut_.Text());
  }
  if (exceeds_training_.count > 0) {
    spdlog::warn(
        "{}: longer than anything that training saw ({} tokens), so the translation may be "
        "incomplete{}",
        exceeds_training_.Text(), trained_on.profile ? trained_on.profile->longest_source : 0,
        config.decoding.split_sentences == SentenceSplitting::kNever
            ? "; --set decoding.split_sentences=auto translates sentence by sentence"
            : "");
  }
  if (has_unknown_.count > 0) {
    spdlog::warn("{}: with characters that the vocabulary does not know; they are lost",
                 has_unknown_.Text());
  }
  if (output_was_cut_.count > 0) {
    const int64_t max_tokens =
        std::min(config.decoding.max_output_length, config.model.position_encoding.max_length - 1);
    const double ratio = config.decoding.max_output_ratio;
    spdlog::warn(
        "{}: the translation reached the longest length allowed and was cut (at most {} tokens, by "
        "decoding.max_output_length and the model's positions, and at most {} times the tokens of "
        "the sentence{})",
        output_was_cut_.Text(), max_tokens, ratio > 0 ? fmt::format("{}", ratio) : "three",
        ratio > 0 ? "" : " plus 30");
  }
}

}  // namespace wavemt
