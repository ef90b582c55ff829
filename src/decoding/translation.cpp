#include "decoding/translation.h"

namespace wavemt {

std::vector<std::string> WarningsOf(const TranslatedLine& line, bool was_cut) {
  std::vector<std::string> warnings;
  if (line.was_cut) {
    warnings.emplace_back(
        "longer than the model's positions, so it was cut inside a sentence and translated in "
        "parts");
  } else if (line.exceeds_training) {
    warnings.emplace_back(
        "longer than anything that the model was trained on, so the translation may be incomplete");
  }
  if (line.has_unknown) {
    warnings.emplace_back("has characters that the model's vocabulary lacks; they are lost");
  }
  if (was_cut) {
    warnings.emplace_back("the translation reached the longest length allowed and was cut");
  }
  return warnings;
}

}  // namespace wavemt
