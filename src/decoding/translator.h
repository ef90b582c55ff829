#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/tokenizer.h"
#include "decoding/beam_search.h"
#include "model/transformer.h"

namespace wavemt {

struct Translation {
  std::string text;
  double score = 0;  // Length-normalized log-probability, nats; 0 for a blank line.
};

/// Text in, text out. Knows a model, its tokenizers and a device, and nothing of training.
class Translator {
 public:
  /// The model stays on `device` and is put into evaluation mode while translating.
  Translator(Transformer model, TokenizerPair tokenizers, torch::Device device);

  struct Request {
    std::span<const std::string> lines;
    /// The number of the first line in its file, for warnings.
    int64_t first_line_number = 1;
    /// Is told now and then how many lines are done. May be empty.
    std::function<void(int64_t)> progress;
  };

  /// For each line, in order, its `options.n_best` best translations, best first. Sentences of like
  /// lengths are translated together. A blank line gives blank translations. A line that is longer
  /// than the model's positions is translated in parts, with a warning that names it.
  std::vector<std::vector<Translation>> Translate(const Request& request,
                                                  const DecodingConfig& options);

  /// The best translation of each line.
  std::vector<std::string> TranslateBest(const Request& request, const DecodingConfig& options);

 private:
  // A sentence, or a part of one, as the model takes it.
  struct Part {
    size_t line = 0;
    std::vector<int32_t> ids;
  };

  std::vector<Part> SplitIntoParts(const Request& request) const;
  // Of each part of `batch`; in halves where it does not fit the memory.
  std::vector<std::vector<Hypothesis>> TranslateInMemory(const std::vector<const Part*>& batch,
                                                         const Request& request,
                                                         const DecodingConfig& options);
  std::vector<std::vector<Hypothesis>> TranslateBatch(const std::vector<const Part*>& batch,
                                                      const DecodingConfig& options);

  Transformer model_;
  TokenizerPair tokenizers_;
  torch::Device device_;
};

}  // namespace wavemt
