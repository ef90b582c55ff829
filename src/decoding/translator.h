#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "data/shortlist.h"
#include "data/tokenizer.h"
#include "decoding/beam_search.h"
#include "decoding/thread_team.h"
#include "inference/packed_transformer.h"
#include "model/transformer.h"

namespace wavemt {

struct Translation {
  std::string text;
  double score = 0;  // Length-normalized log-probability, nats; 0 for a blank line.
};

/// The translations of a line.
struct TranslatedLine {
  std::vector<Translation> best;  // Best first, no duplicates; a blank one for a blank line.

  // Why the best translation may be incomplete.
  bool exceeds_training = false;  // A sentence is longer than any seen in training.
  bool was_cut = false;           // A sentence exceeded the model's positions and was cut.
  bool has_unknown = false;       // The line has characters that the vocabulary lacks.
  bool output_was_cut = false;    // The translation reached the maximum length before it ended.
};

/// What is known about the text that a model was trained on.
struct TrainedOn {
  std::optional<CorpusProfile> profile;
  std::string source_language;  // In the form that SentenceSplitter takes.
};

/// What a translator translates with.
struct TranslationModel {
  Transformer transformer{nullptr};  // In evaluation mode whenever it is used.
  TokenizerPair tokenizers;
  torch::Device device = torch::kCPU;  // Where the model is.
  TrainedOn trained_on{};
  DecodingPrecision precision = DecodingPrecision::kFp32;
  std::shared_ptr<const Shortlist> shortlist{};  // Null: a translation may have any tokens.
  bool is_final = false;     // Nobody trains the model: its weights are prepared only once.
  bool is_consumed = false;  // Nobody else uses it: what has been prepared is freed. Is final then.
};

/// Text in, text out. Knows a model, its tokenizers and a device, but nothing about training. On
/// the CPU each thread searches on its own, with a batch of its own. Copies share their threads.
class Translator {
 public:
  explicit Translator(TranslationModel model);

  struct Request {
    std::span<const std::string> lines;
    /// The number of the first line in its file, for warnings.
    int64_t first_line_number = 1;
    /// Called regularly with the number of lines done so far. May be empty. Neither this nor the
    /// next function is called by two threads at once.
    std::function<void(int64_t)> progress;
    /// Called before each step of a search; returning true makes Translate() throw SearchStopped.
    /// May be empty.
    std::function<bool()> stop_requested{};
  };

  /// The best translations of each line, in order, at most `options.n_best` per line. Lines are
  /// split by LineSplitter, and segments of similar length are translated together.
  std::vector<TranslatedLine> Translate(const Request& request,
                                        const DecodingConfig& options) const;

  /// The best translation of each line.
  std::vector<std::string> TranslateBest(const Request& request,
                                         const DecodingConfig& options) const;

 private:
  // A segment of a line, usually a sentence, that is translated on its own.
  struct Segment {
    size_t line = 0;
    std::vector<int32_t> ids;
  };
  using SegmentBatch = std::span<const Segment* const>;
  // The best hypotheses of one segment, best first.
  using Hypotheses = std::vector<Hypothesis>;

  // What one thread searches with.
  struct Searcher {
    std::shared_ptr<const PackedTransformer> model;  // Null: the modules.
    InferenceMemory memory{};
  };

  std::shared_ptr<const PackedTransformer> Pack() const;
  // Also records in `lines` why their translations may be incomplete.
  std::vector<Segment> SplitLines(const Request& request, const DecodingConfig& options,
                                  std::vector<TranslatedLine>* lines) const;
  std::vector<Hypotheses> TranslateSegments(const std::vector<Segment>& segments,
                                            const Request& request,
                                            const DecodingConfig& options) const;
  // Splits the batch into halves if it does not fit in memory.
  std::vector<Hypotheses> TranslateBatch(SegmentBatch batch, const Request& request,
                                         const DecodingConfig& options, Searcher* searcher) const;
  std::vector<Hypotheses> Search(SegmentBatch batch, const Request& request,
                                 const DecodingConfig& options, Searcher* searcher) const;
  std::vector<Translation> TextsOf(const Hypotheses& hypotheses, size_t n_best) const;

  TranslationModel model_;
  std::shared_ptr<const PackedTransformer> packed_;  // If the model is final and on the CPU.
  std::shared_ptr<ThreadTeam> team_ = std::make_shared<ThreadTeam>();
};

}  // namespace wavemt
