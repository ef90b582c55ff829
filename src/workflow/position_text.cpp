#include "workflow/position_text.h"

#include <fmt/format.h>

#include "config/config_fields.h"

namespace wavemt {

std::string PositionsText(const PositionEncodingConfig& config) {
  std::string text(NameOf(config.type));
  switch (config.type) {
    case PositionEncodingType::kRotary:
      text += fmt::format(" with base {}", config.rotary_base);
      break;
    case PositionEncodingType::kAlibi:
      text += fmt::format(" with {} slopes", NameOf(config.alibi_slopes));
      break;
    case PositionEncodingType::kRelative:
      text += fmt::format(" up to distance {}", config.relative_clip_distance);
      break;
    case PositionEncodingType::kT5:
      text += fmt::format(" with {} buckets up to distance {}", config.t5_num_buckets,
                          config.t5_max_distance);
      break;
    default:
      break;
  }
  text += fmt::format(", {} positions", config.max_length);
  if (config.random_shift > 0) {
    text += fmt::format(", in training shifted by up to {}", config.random_shift);
  }
  return text;
}

std::string PositionsEffect(PositionEncodingType type) {
  switch (type) {
    case PositionEncodingType::kSinusoidal:
      return "adds sine and cosine waves of many lengths to the embeddings (Vaswani et al. 2017)";
    case PositionEncodingType::kLearned:
      return "adds a learned vector for each position to the embeddings (Gehring et al. 2017)";
    case PositionEncodingType::kArticle:
      return "adds P[:, t] (sin(2 pi t / 10000) + cos(2 pi t / 10000)) to the embeddings, with P "
             "learned";
    case PositionEncodingType::kArticleFixed:
      return "adds sin(2 pi t / 10000) to the first half of each embedding and cos(2 pi t / 10000) "
             "to the second";
    case PositionEncodingType::kRotary:
      return "rotates queries and keys of self-attention, so that positions count only as "
             "distances (Su et al. 2021)";
    case PositionEncodingType::kAlibi:
      return "subtracts the distance, times a slope for each head, from the scores of "
             "self-attention (Press et al. 2022)";
    case PositionEncodingType::kRelative:
      return "adds learned vectors to keys and values of self-attention, one for each distance "
             "(Shaw et al. 2018)";
    case PositionEncodingType::kT5:
      return "adds a learned number to the scores of self-attention, one for each head and range "
             "of distances (Raffel et al. 2020)";
    case PositionEncodingType::kNone:
      return "adds nothing: only the decoder, which sees no later tokens, can tell positions apart";
  }
  return "";
}

}  // namespace wavemt
