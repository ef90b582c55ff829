#include "model/key_value_cache.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "model/masks.h"

namespace wavemt {
namespace {

// [n * length, 2, num_heads, head_dim] -> keys and values, each [n, num_heads, length, head_dim]
KeyValue AsKeyValue(const torch::Tensor& slots, int64_t n) {
  const auto both = slots.view({n, -1, 2, slots.size(2), slots.size(3)});
  return {.key = both.select(2, 0).transpose(1, 2), .value = both.select(2, 1).transpose(1, 2)};
}

}  // namespace

KeyValueCache::KeyValueCache(const std::vector<Layer>& layers, std::vector<SourceSpan> sentences)
    : sentences_(std::move(sentences)) {
  for (const Layer& layer : layers) {
    const torch::Tensor& prefix = layer.prefix;
    if (prefix.defined()) prefix_length_ = prefix.size(0);
    layers_.push_back({.of_source = layer.of_source,
                       .slots = prefix.defined() ? prefix.to(layer.of_source.options()).contiguous()
                                                 : layer.of_source.narrow(0, 0, 0)});
  }
  used_slots_ = prefix_length_;
}

void KeyValueCache::MakeRoom(int64_t slots) {
  for (Stored& layer : layers_) {
    if (layer.slots.size(0) >= slots) return;
    auto sizes = layer.slots.sizes().vec();
    const int64_t filled = std::min(used_slots_, sizes[0]);
    sizes[0] = std::max(slots, 2 * sizes[0]);
    auto larger = torch::empty(sizes, layer.slots.options());
    larger.narrow(0, 0, filled).copy_(layer.slots.narrow(0, 0, filled));
    layer.slots = larger;
  }
}

void KeyValueCache::BeginStep(int64_t rows) {
  const int64_t old_length = HistoryLength();
  if (steps_ == 0) {  // All rows have the same history, that of the prefix.
    rows_ = rows;
    histories_.resize(static_cast<size_t>(rows * prefix_length_));
    for (int64_t row = 0; row < rows; ++row) {
      std::iota(histories_.begin() + row * prefix_length_,
                histories_.begin() + (row + 1) * prefix_length_, 0);
    }
  }
  TORCH_CHECK(rows == rows_, "a step of ", rows, " rows after one of ", rows_);
  MakeRoom(used_slots_ + rows);
  ++steps_;
  std::vector<int32_t> longer(static_cast<size_t>(rows * HistoryLength()));
  auto to = longer.begin();
  for (int64_t row = 0; row < rows; ++row) {
    to = std::copy_n(histories_.begin() + row * old_length, old_length, to);
    *to++ = static_cast<int32_t>(used_slots_ + row);
  }
  histories_ = std::move(longer);
  used_slots_ += rows;
  history_indices_.reset();
}

void KeyValueCache::Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) {
  TORCH_CHECK(steps_ > 0, "there are no rows before the first step");
  std::vector<int32_t> all(sentences_.size());
  std::iota(all.begin(), all.end(), 0);
  if (!std::ranges::equal(sentences, all)) {
    std::vector<SourceSpan> kept;
    for (const int32_t sentence : sentences) {
      kept.push_back(sentences_[static_cast<size_t>(sentence)]);
    }
    sentences_ = std::move(kept);
    sources_.clear();
  }
  const int64_t length = HistoryLength();
  std::vector<int32_t> selected(rows.size() * static_cast<size_t>(length));
  auto to = selected.begin();
  for (const int32_t row : rows) {
    to = std::copy_n(histories_.begin() + row * length, length, to);
  }
  histories_ = std::move(selected);
  rows_ = static_cast<int64_t>(rows.size());
  history_indices_.reset();
}

torch::Tensor KeyValueCache::NewSlots(int64_t layer) {
  return layers_[static_cast<size_t>(layer)].slots.narrow(0, used_slots_ - rows_, rows_);
}

KeyValue KeyValueCache::OfTarget(int64_t layer) {
  const torch::Tensor& slots = layers_[static_cast<size_t>(layer)].slots;
  if (!history_indices_.defined()) {
    history_indices_ = torch::tensor(histories_, torch::kInt).to(slots.device());
  }
  return AsKeyValue(slots.index_select(0, history_indices_), rows_);
}

void KeyValueCache::GatherSources() {
  if (!sources_.empty()) return;
  const torch::Device device = layers_.front().of_source.device();
  const auto lengths_of = [](const SourceSpan& span) { return span.length; };
  const int64_t shortest = std::ranges::min(sentences_, {}, lengths_of).length;
  const int64_t longest = std::ranges::max(sentences_, {}, lengths_of).length;
  std::vector<int32_t> indices;
  std::vector<int64_t> lengths;
  for (const SourceSpan& span : sentences_) {
    lengths.push_back(span.length);
    for (int64_t i = 0; i < longest; ++i) {
      // The mask hides what comes after the sentence.
      indices.push_back(static_cast<int32_t>(span.first + std::min(i, span.length - 1)));
    }
  }
  const auto on_device = torch::tensor(indices, torch::kInt).to(device);
  for (Stored& stored : layers_) {
    // In place of those of all sentences, so that memory holds them once.
    stored.of_source = stored.of_source.index_select(0, on_device);
    sources_.push_back(AsKeyValue(stored.of_source, num_sentences()));
  }
  for (size_t i = 0; i < sentences_.size(); ++i) {
    sentences_[i].first = static_cast<int64_t>(i) * longest;
  }
  source_mask_ = shortest == longest
                     ? torch::Tensor()
                     : PaddingMask(torch::tensor(lengths, torch::kLong).to(device), longest);
}

KeyValue KeyValueCache::OfSource(int64_t layer) {
  GatherSources();
  return sources_[static_cast<size_t>(layer)];
}

const torch::Tensor& KeyValueCache::SourceMask() {
  GatherSources();
  return source_mask_;
}

}  // namespace wavemt
