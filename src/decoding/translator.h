#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "data/tokenizer.h"
#include "decoding/beam_search.h"
#include "model/transformer.h"

namespace wavemt {

struct Translation {
  std::string text;
  double score = 0;  // Length-normalized log-probability, nats; 0 for a blank line.
};

/// What became of a line.
struct TranslatedLine {
  std::vector<Translation> best;  // Best first, no text twice; one that is blank for a blank line.

  // Why something of the line may be missing in the best of them.
  bool exceeds_training = false;  // A sentence is longer than every one that training saw.
  bool was_cut = false;           // A sentence that is longer than the model's positions was cut.
  bool has_unknown = false;       // Characters that the vocabulary does not know.
  bool output_was_cut = false;    // The translation was as long as is allowed before it ended.
};

/// What is known of the text that a model was trained on.
struct TrainedOn {
  std::optional<CorpusProfile> profile;
  std::string source_language;  // As SentenceSplitter takes it.
};

/// Text in, text out. Knows a model, its tokenizers and a device, and nothing of training.
class Translator {
 public:
  /// The model stays on `device` and is put into evaluation mode while translating.
  Translator(Transformer model, TokenizerPair tokenizers, torch::Device device,
             TrainedOn trained_on = {});

  struct Request {
    std::span<const std::string> lines;
    /// The number of the first line in its file, for warnings.
    int64_t first_line_number = 1;
    /// Is told now and then how many lines are done. May be empty.
    std::function<void(int64_t)> progress;
    /// Asked all the time; the answer true ends the work with SearchStopped. May be empty.
    std::function<bool()> stop_requested{};
  };

  /// For each line, in order, its best translations, at most `options.n_best`. Lines are taken
  /// apart as LineSplitter does it, and sentences of like lengths are translated together.
  std::vector<TranslatedLine> Translate(const Request& request, const DecodingConfig& options);

  /// The best translation of each line.
  std::vector<std::string> TranslateBest(const Request& request, const DecodingConfig& options);

 private:
  // A sentence, or a part of one, as the model takes it.
  struct Part {
    size_t line = 0;
    std::vector<int32_t> ids;
  };

  // Notes in `lines` what is to be said of each.
  std::vector<Part> SplitIntoParts(const Request& request, const DecodingConfig& options,
                                   std::vector<TranslatedLine>* lines) const;
  std::vector<std::vector<Hypothesis>> TranslateParts(const std::vector<Part>& parts,
                                                      const Request& request,
                                                      const DecodingConfig& options);
  // Of each part of `batch`; in halves where it does not fit the memory.
  std::vector<std::vector<Hypothesis>> TranslateInMemory(const std::vector<const Part*>& batch,
                                                         const Request& request,
                                                         const DecodingConfig& options);
  std::vector<std::vector<Hypothesis>> TranslateBatch(const std::vector<const Part*>& batch,
                                                      const Request& request,
                                                      const DecodingConfig& options);
  std::vector<Translation> TextsOf(const std::vector<Hypothesis>& hypotheses, size_t most) const;

  Transformer model_;
  TokenizerPair tokenizers_;
  torch::Device device_;
  TrainedOn trained_on_;
};

}  // namespace wavemt
