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

/// Text in, text out. Knows a model, its tokenizers and a device, and nothing of training. Changes
/// nothing of the model, whatever happens.
class Translator {
 public:
  /// The model is on `device`, and in evaluation mode whenever the translator is used.
  Translator(Transformer model, TokenizerPair tokenizers, torch::Device device,
             TrainedOn trained_on = {});

  struct Request {
    std::span<const std::string> lines;
    /// The number of the first line in its file, for warnings.
    int64_t first_line_number = 1;
    /// Called now and then with the number of lines that are done. May be empty.
    std::function<void(int64_t)> progress;
    /// Asked before each step of the search; the answer true ends the work with SearchStopped. May
    /// be empty.
    std::function<bool()> stop_requested{};
  };

  /// For each line, in order, its best translations, at most `options.n_best`. Lines are split as
  /// LineSplitter does it, and segments of similar length are translated together.
  std::vector<TranslatedLine> Translate(const Request& request,
                                        const DecodingConfig& options) const;

  /// The best translation of each line.
  std::vector<std::string> TranslateBest(const Request& request,
                                         const DecodingConfig& options) const;

 private:
  // A piece of a line, usually a sentence, that is translated by itself.
  struct Segment {
    size_t line = 0;
    std::vector<int32_t> ids;
  };
  using SegmentBatch = std::span<const Segment* const>;
  // The best hypotheses of one segment, best first.
  using Hypotheses = std::vector<Hypothesis>;

  // Notes in `lines` what is to be said of each.
  std::vector<Segment> SplitLines(const Request& request, const DecodingConfig& options,
                                  std::vector<TranslatedLine>* lines) const;
  std::vector<Hypotheses> TranslateSegments(const std::vector<Segment>& segments,
                                            const Request& request,
                                            const DecodingConfig& options) const;
  // In halves where the batch does not fit the memory.
  std::vector<Hypotheses> TranslateBatch(SegmentBatch batch, const Request& request,
                                         const DecodingConfig& options) const;
  std::vector<Hypotheses> Search(SegmentBatch batch, const Request& request,
                                 const DecodingConfig& options) const;
  std::vector<Translation> TextsOf(const Hypotheses& hypotheses, size_t n_best) const;

  Transformer model_;
  TokenizerPair tokenizers_;
  torch::Device device_;
  TrainedOn trained_on_;
};

}  // namespace wavemt
