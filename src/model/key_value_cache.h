#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

namespace wavemt {

/// The keys and values of one attention layer, each [batch, num_heads, length, head_dim]. With
/// prefix tuning, those of the prefix come first. Neither masks nor positions know of them: where
/// there are more keys than a mask has columns, the first ones are a prefix, to which every query
/// may attend.
struct KeyValue {
  torch::Tensor key;
  torch::Tensor value;
};

/// Where the keys of a source sentence lie among those of all sentences.
struct SourceSpan {
  int64_t first = 0;
  int64_t length = 0;
};

/// The keys and values that the decoder reuses from step to step of a search. A row is a
/// hypothesis; the rows of a source sentence are adjacent, and every sentence has the same number
/// of them.
///
/// Nothing is copied when a search selects hypotheses. The keys and values of a row's token go into
/// a slot of their own, where they stay; a row's history lists the slots of its tokens. Likewise,
/// those of the source stay where they are, and sentences are dropped from a list. LibTorch's
/// attention wants tensors without gaps: OfTarget() and OfSource() gather them.
class KeyValueCache {
 public:
  /// What a search begins with in one layer of the decoder.
  struct Layer {
    /// The keys and values of the encoder's output: [positions, 2, num_heads, head_dim].
    torch::Tensor of_source;
    /// Those that every target begins with: [prefix, 2, num_heads, head_dim]; undefined: none.
    torch::Tensor prefix{};
  };
  KeyValueCache(const std::vector<Layer>& layers, std::vector<SourceSpan> sentences);

  /// Gives each row a slot for its next token; all rows have processed the same number.
  void BeginStep(int64_t rows);

  /// Keeps `sentences` (indices; one may be repeated) and makes the old row rows[i] the new row i.
  /// A row may be repeated or dropped. Between steps.
  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows);

  int64_t num_sentences() const { return static_cast<int64_t>(sentences_.size()); }
  /// The tokens that each row has processed, the one of this step included.
  int64_t steps() const { return steps_; }

  /// Where the keys and values of this step's tokens go: [rows, 2, num_heads, head_dim].
  torch::Tensor NewSlots(int64_t layer);
  /// Those of all rows' histories: [rows, num_heads, prefix_length + steps, head_dim].
  KeyValue OfTarget(int64_t layer);
  /// Those of the sentences: [sentences, num_heads, longest sentence, head_dim].
  KeyValue OfSource(int64_t layer);
  /// Which of them a sentence has, [sentences, 1, 1, longest sentence]: true = may attend;
  /// undefined: all have the same length.
  const torch::Tensor& SourceMask();

  /// The same without LibTorch, for fp32 on the CPU. A slot is [2, num_heads, head_dim].
  const float* Slots(int64_t layer) const {
    return layers_[static_cast<size_t>(layer)].slots.const_data_ptr<float>();
  }
  std::span<const int32_t> History(int64_t row) const {
    return std::span(histories_)
        .subspan(static_cast<size_t>(row * HistoryLength()), static_cast<size_t>(HistoryLength()));
  }
  const float* Source(int64_t layer) const {
    return layers_[static_cast<size_t>(layer)].of_source.const_data_ptr<float>();
  }
  const SourceSpan& Sentence(int64_t sentence) const {
    return sentences_[static_cast<size_t>(sentence)];
  }

 private:
  struct Stored {
    torch::Tensor of_source;
    torch::Tensor slots;  // [room, 2, num_heads, head_dim]
  };
  int64_t HistoryLength() const { return prefix_length_ + steps_; }
  void MakeRoom(int64_t slots);
  void GatherSources();

  std::vector<Stored> layers_;
  std::vector<SourceSpan> sentences_;
  int64_t prefix_length_ = 0;
  int64_t rows_ = 0;
  int64_t steps_ = 0;
  int64_t used_slots_ = 0;          // Those of this step included.
  std::vector<int32_t> histories_;  // [rows, prefix_length + steps]

  // On the device of the tensors, made when they are first asked for.
  torch::Tensor history_indices_;  // [rows * (prefix_length + steps)]
  std::vector<KeyValue> sources_;  // For each layer.
  torch::Tensor source_mask_;
};

}  // namespace wavemt
