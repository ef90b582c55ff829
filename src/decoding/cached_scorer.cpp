#include "decoding/cached_scorer.h"

#include <utility>

namespace wavemt {

CachedScorer::CachedScorer(Transformer model, const torch::Tensor& source,
                           const torch::Tensor& src_padding_mask)
    : model_(std::move(model)),
      cache_(model_->decoder->MakeKeyValueCache(model_->Encode(source, src_padding_mask),
                                                src_padding_mask)) {}

torch::Tensor CachedScorer::Step(const torch::Tensor& newest) {
  const auto logits = model_->Project(model_->DecodeStep(newest, &cache_));  // [rows, vocabulary]
  return torch::log_softmax(logits, /*dim=*/-1, torch::kFloat);
}

}  // namespace wavemt
