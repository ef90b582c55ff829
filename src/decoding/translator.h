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
#include "decoding/hypothesis.h"
#include "decoding/search_input.h"
#include "decoding/step_scorer.h"
#include "decoding/thread_team.h"
#include "inference/packed_transformer.h"
#include "model/transformer.h"

namespace wavemt {

struct Translation {
  std::string text;
  /// Log-probability in nats, normalized by length, with the coverage penalty if there is one; in
  /// minimum Bayes risk decoding the expected metric. Of several segments the sum; 0 for a blank
  /// line.
  double score = 0;
  double log_probability = 0;  // Not normalized.
  /// The tokens of all segments. What they attended to are indices of TranslatedLine::source.
  TokenSequence sequence{};
  std::vector<float> end_log_probs{};  // Of each segment's </s>.
  bool was_cut = false;                // It reached the maximum length before it ended.
};

/// The translations of a line.
struct TranslatedLine {
  /// Best first, no duplicates; a blank one for a blank line. Draws: in their order, all of them.
  std::vector<Translation> best;
  std::vector<int32_t> source{};  // The tokens of all segments.

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

/// How good each of some translations is if every one of them is as likely to be right: the mean
/// of its scores with each of them as the reference. May be called by several threads at once.
using ExpectedMetric = std::function<std::vector<double>(std::span<const std::string>)>;

/// What a translator translates with.
struct TranslationModel {
  /// One, or several that translate together. In evaluation mode whenever they are used.
  std::vector<Transformer> transformers;
  TokenizerPair tokenizers;
  torch::Device device = torch::kCPU;  // Where the models are.
  TrainedOn trained_on{};
  DecodingPrecision precision = DecodingPrecision::kFp32;
  std::shared_ptr<const Shortlist> shortlist{};  // Null: a translation may have any tokens.
  ExpectedMetric expected_metric{};  // For minimum Bayes risk decoding; empty: there is none.
  bool is_final = false;             // Nobody trains the model: its weights are prepared only once.
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
    /// What each translation must begin with, a text for each line; empty: nothing. If a line is
    /// divided into segments, it begins the first of them. A usage error if it does not fit.
    std::span<const std::string> target_prefixes{};
    bool watches_attention = false;  // Fills TokenSequence::attended.
  };

  /// The best translations of each line, in order, at most `options.n_best` per line. Lines are
  /// split by LineSplitter, and segments of similar length are translated together.
  std::vector<TranslatedLine> Translate(const Request& request,
                                        const DecodingConfig& options) const;

  /// Scores a translation of each line as Translate() would, had it found it; request.progress and
  /// so on as there. Neither is divided into segments: a usage error if one is too long.
  std::vector<TranslatedLine> Score(const Request& request, std::span<const std::string> targets,
                                    const DecodingConfig& options) const;

  /// The most tokens that a translation of a sentence can have, whatever its source.
  int64_t LongestTranslation(const DecodingConfig& options) const;

  /// The best translation of each line.
  std::vector<std::string> TranslateBest(const Request& request,
                                         const DecodingConfig& options) const;

 private:
  // A segment of a line, usually a sentence, that is translated on its own.
  struct Segment {
    size_t line = 0;
    std::vector<int32_t> ids;
    SearchedSentence sentence{};
  };
  using SegmentBatch = std::span<const Segment* const>;
  using Translations = std::vector<Translation>;  // Of a segment.

  // What one thread searches with.
  struct Searcher {
    const std::vector<std::shared_ptr<const PackedTransformer>>& models;  // Null: the modules.
    InferenceMemory memory{};
  };

  int64_t max_length() const;  // The least of the models'.
  std::shared_ptr<const PackedTransformer> Pack(const Transformer& model) const;
  std::vector<std::shared_ptr<const PackedTransformer>> PackAll() const;
  // Also records in `lines` why their translations may be incomplete.
  std::vector<Segment> SplitLines(const Request& request, const DecodingConfig& options,
                                  std::vector<TranslatedLine>* lines) const;
  std::vector<int32_t> EncodePrefix(const Request& request, size_t line,
                                    const DecodingConfig& options) const;
  // One segment a line, with its target.
  std::vector<Segment> PairLines(const Request& request,
                                 std::span<const std::string> targets) const;
  // Sets the segment's limits.
  void Limit(const DecodingConfig& options, Segment* segment) const;
  std::vector<Translations> TranslateSegments(const std::vector<Segment>& segments,
                                              const Request& request,
                                              const DecodingConfig& options) const;
  // Splits the batch into halves if it does not fit in memory.
  std::vector<Translations> TranslateBatch(SegmentBatch batch, const Request& request,
                                           const DecodingConfig& options, Searcher* searcher) const;
  std::vector<std::vector<Hypothesis>> Search(SegmentBatch batch, const Request& request,
                                              const DecodingConfig& options,
                                              Searcher* searcher) const;
  std::unique_ptr<StepScorer> MakeScorer(SegmentBatch batch, const DecodingConfig& options,
                                         Searcher* searcher) const;
  Translations TextsOf(std::vector<Hypothesis> hypotheses, const DecodingConfig& options) const;

  TranslationModel model_;
  // One for each model, null if it cannot be packed; empty if the models are not final.
  std::vector<std::shared_ptr<const PackedTransformer>> packed_;
  std::shared_ptr<ThreadTeam> team_ = std::make_shared<ThreadTeam>();
};

}  // namespace wavemt
