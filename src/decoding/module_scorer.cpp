#include "decoding/module_scorer.h"

#include <algorithm>
#include <utility>

#include "model/masks.h"

namespace wavemt {
namespace {

KeyValueCache Encode(Transformer& model, const torch::Tensor& source,
                     std::span<const int64_t> lengths) {
  const bool has_padding = std::ranges::min(lengths) < source.size(1);
  const auto mask =
      has_padding ? PaddingMask(torch::tensor(torch::IntArrayRef(lengths.data(), lengths.size()),
                                              torch::kLong)
                                    .to(source.device()),
                                source.size(1))
                  : torch::Tensor();
  return model->decoder->MakeKeyValueCache(model->Encode(source, mask), lengths);
}

}  // namespace

void TakeLikeliest(torch::Tensor log_probs, std::span<const int32_t> wanted, int64_t per_row,
                   const SpecialTokens& special, NextTokens* next) {
  const int64_t rows = log_probs.size(0);
  next->per_row = per_row;
  const auto columns =
      torch::tensor(c10::ArrayRef<int32_t>(wanted.data(), wanted.size()), torch::kLong)
          .to(log_probs.device());
  const auto of_wanted = log_probs.gather(1, columns.unsqueeze(1)).cpu().contiguous();
  next->of_wanted.assign(of_wanted.const_data_ptr<float>(),
                         of_wanted.const_data_ptr<float>() + rows);
  for (const int32_t token : {special.pad, special.bos, special.unk}) {
    if (!MayProduce(token, special)) log_probs.select(1, token).fill_(kImpossible);
  }
  const int64_t found = std::min(per_row, log_probs.size(1));
  const auto [best, ids] = log_probs.topk(found, /*dim=*/1);  // [rows, found]
  const auto missing = per_row - found;
  const auto best_cpu = torch::constant_pad_nd(best.cpu(), {0, missing}, kImpossible).contiguous();
  const auto ids_cpu = torch::constant_pad_nd(ids.cpu(), {0, missing}).to(torch::kInt).contiguous();
  const int64_t all = rows * per_row;
  next->log_probs.assign(best_cpu.const_data_ptr<float>(), best_cpu.const_data_ptr<float>() + all);
  next->tokens.assign(ids_cpu.const_data_ptr<int32_t>(), ids_cpu.const_data_ptr<int32_t>() + all);
}

ModuleScorer::ModuleScorer(Transformer model, const torch::Tensor& source,
                           std::span<const int64_t> lengths, const SpecialTokens& special)
    : model_(std::move(model)),
      special_(special),
      device_(source.device()),
      cache_(Encode(model_, source, lengths)) {}

torch::Tensor ModuleScorer::LogProbs(std::span<const int32_t> newest) {
  const auto ids =
      torch::tensor(c10::ArrayRef<int32_t>(newest.data(), newest.size()), torch::kLong).to(device_);
  SourceAttention* attention = attention_ ? &*attention_ : nullptr;
  // [rows, vocabulary]
  const auto logits = model_->Project(model_->DecodeStep(ids, &cache_, attention));
  if (attention_) attention_->weights = attention_->weights.to(torch::kCPU).contiguous();
  return torch::log_softmax(logits, /*dim=*/-1, torch::kFloat);
}

const NextTokens& ModuleScorer::Step(std::span<const int32_t> newest,
                                     std::span<const int32_t> wanted, int64_t per_row) {
  TakeLikeliest(LogProbs(newest), wanted, per_row, special_, &next_);
  return next_;
}

std::span<const float> ModuleScorer::StepAll(std::span<const int32_t> newest) {
  all_ = LogProbs(newest).to(torch::kCPU).contiguous();
  return {all_.const_data_ptr<float>(), static_cast<size_t>(all_.numel())};
}

void ModuleScorer::WatchAttention(int64_t attention_layer) {
  const int64_t layers = model_->config().num_decoder_layers;
  attention_ = {.layer = AttentionLayer(attention_layer, layers)};
}

std::span<const float> ModuleScorer::Attention(int64_t row) const { return attention_->OfRow(row); }

}  // namespace wavemt
