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
#include "decoding/segmenter.h"
#include "decoding/step_scorer.h"
#include "decoding/thread_team.h"
#include "decoding/translation.h"
#include "inference/packed_transformer.h"
#include "model/transformer.h"

namespace wavemt {

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
    /// If there are any, TranslatedLine::best holds the best translation of the line under each of
    /// them instead of decoding.length_penalty, in their order, from a single search: exactly
    /// those that a search under each would give. Not with draws.
    std::span<const double> length_penalties{};
  };

  /// The best translations of each line, in order, at most `options.n_best` per line. Lines are
  /// split by LineSplitter, and segments of similar length are translated together.
  std::vector<TranslatedLine> Translate(const Request& request,
                                        const DecodingConfig& options) const;

  /// Scores a translation of each line as Translate() would, had it found it; request.progress and
  /// so on as there. Neither is divided into segments: a usage error if one is too long.
  std::vector<TranslatedLine> Score(const Request& request, std::span<const std::string> targets,
                                    const DecodingConfig& options) const;

  /// The best translation of each line.
  std::vector<std::string> TranslateBest(const Request& request,
                                         const DecodingConfig& options) const;

 private:
  using SegmentBatch = std::span<const SourceSegment* const>;
  using Translations = std::vector<Translation>;  // Of a segment.

  // What one thread searches with.
  struct Searcher {
    const std::vector<std::shared_ptr<const PackedTransformer>>& models;  // Null: the modules.
    InferenceMemory memory{};
  };

  Segmenter MakeSegmenter(const Request& request, const DecodingConfig& options) const;
  std::shared_ptr<const PackedTransformer> Pack(const Transformer& model) const;
  std::vector<std::shared_ptr<const PackedTransformer>> PackAll() const;
  std::vector<Translations> TranslateSegments(const std::vector<SourceSegment>& segments,
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
  Translations TextsOf(std::vector<Hypothesis> hypotheses, const Request& request,
                       const DecodingConfig& options) const;

  TranslationModel model_;
  // One for each model, null if it cannot be packed; empty if the models are not final.
  std::vector<std::shared_ptr<const PackedTransformer>> packed_;
  std::shared_ptr<ThreadTeam> team_ = std::make_shared<ThreadTeam>();
};

}  // namespace wavemt
