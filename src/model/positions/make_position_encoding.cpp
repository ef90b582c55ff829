#include "model/positions/make_position_encoding.h"

#include <memory>

#include "model/positions/absolute_positional_encoding.h"
#include "model/positions/alibi_encoding.h"
#include "model/positions/article_encoding.h"
#include "model/positions/learned_encoding.h"
#include "model/positions/relative_encoding.h"
#include "model/positions/rotary_encoding.h"
#include "model/positions/t5_encoding.h"

namespace wavemt {

PositionEncoding MakePositionEncoding(const ModelConfig& config) {
  const PositionEncodingConfig& positions = config.position_encoding;
  const auto make = [&]() -> std::shared_ptr<PositionEncodingImpl> {
    switch (positions.type) {
      case PositionEncodingType::kSinusoidal:
        return std::make_shared<AbsolutePositionalEncodingImpl>(config.d_model,
                                                                positions.max_length);
      case PositionEncodingType::kLearned:
        return std::make_shared<LearnedEncodingImpl>(config.d_model, positions.max_length);
      case PositionEncodingType::kArticle:
        return std::make_shared<ArticleEncodingImpl>(config.d_model, positions.max_length);
      case PositionEncodingType::kArticleFixed:
        return std::make_shared<ArticleFixedEncodingImpl>();
      case PositionEncodingType::kRotary:
        return std::make_shared<RotaryEncodingImpl>(config.d_model / config.num_heads,
                                                    positions.rotary_base);
      case PositionEncodingType::kAlibi:
        return std::make_shared<AlibiEncodingImpl>(config.num_heads, positions.alibi_slopes);
      case PositionEncodingType::kRelative:
        return std::make_shared<RelativeEncodingImpl>(config);
      case PositionEncodingType::kT5:
        return std::make_shared<T5EncodingImpl>(config);
      case PositionEncodingType::kNone:
        break;
    }
    return std::make_shared<PositionEncodingImpl>();
  };
  return PositionEncoding(make());
}

}  // namespace wavemt
