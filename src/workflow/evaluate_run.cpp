#include "workflow/evaluate_run.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/cleaning/word_count.h"
#include "data/corpus.h"
#include "decoding/module_scorer.h"
#include "decoding/translator.h"
#include "evaluation/bleu.h"
#include "evaluation/signature.h"
#include "evaluation/statistics.h"
#include "support/error.h"
#include "support/progress.h"
#include "workflow/languages.h"
#include "workflow/trained_model.h"
#include "workflow/training_text.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr int64_t kBucketWords = 10;
constexpr size_t kMostBuckets = 6;          // The last one has no end.
constexpr size_t kMostPicturedTokens = 48;  // Of a side; more could not be read.

size_t BucketOf(std::string_view source) {
  const int64_t words = std::max<int64_t>(SizeOfText(source).words, 1);
  return std::min(static_cast<size_t>((words - 1) / kBucketWords), kMostBuckets - 1);
}

std::string WordsOfBucket(size_t bucket) {
  const int64_t first = static_cast<int64_t>(bucket) * kBucketWords + 1;
  return bucket + 1 == kMostBuckets ? fmt::format("{} and more", first)
                                    : fmt::format("{}\u2013{}", first, first + kBucketWords - 1);
}

std::vector<LengthBucket> BleuByLength(const Bleu& bleu, const Statistics& statistics,
                                       const std::vector<std::string>& sources) {
  std::vector<LengthBucket> buckets;
  std::array<std::vector<double>, kMostBuckets> sums;
  sums.fill(std::vector<double>(statistics.columns(), 0.0));
  for (size_t i = 0; i < sources.size(); ++i) {
    const size_t bucket = BucketOf(sources[i]);
    while (buckets.size() <= bucket) buckets.push_back({.words = WordsOfBucket(buckets.size())});
    ++buckets[bucket].sentences;
    const std::span<const double> row = statistics.row(i);
    std::ranges::transform(sums[bucket], row, sums[bucket].begin(), std::plus<>());
  }
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i].sentences > 0) buckets[i].bleu = bleu.FullScore(sums[i]).value;
  }
  return buckets;
}

// The search that a run's config describes, without draws, so that the result is the same again.
DecodingConfig SearchOf(const Config& config, const std::string& source_prefix) {
  DecodingConfig decoding = config.decoding;
  decoding.n_best = 1;
  decoding.sampling = false;
  decoding.mbr_samples = 0;
  decoding.source_prefix = source_prefix;
  return decoding;
}

std::vector<std::string> PiecesOfIds(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::vector<std::string> pieces;
  for (const int32_t id : ids) pieces.push_back(tokenizer.PieceOf(id));
  pieces.emplace_back("</s>");
  return pieces;
}

// What each token of a translation attended to when it was chosen, </s> included.
AttentionGrid AttentionOf(const TrainedModel& opened, const TranslatedLine& line) {
  const SpecialTokens& special = opened.tokenizers.target->special();
  const std::vector<int32_t>& tokens = line.best.front().sequence.tokens;
  AttentionGrid grid{.source = PiecesOfIds(*opened.tokenizers.source, line.source),
                     .target = PiecesOfIds(*opened.tokenizers.target, tokens)};
  std::vector<int32_t> ids = line.source;
  ids.push_back(opened.tokenizers.source->special().eos);
  const std::array lengths = {static_cast<int64_t>(ids.size())};
  const auto source =
      torch::tensor(ids, torch::kLong).unsqueeze(0).to(opened.device);  // [1, src_len]
  ModuleScorer scorer(opened.model, source, lengths, special);
  scorer.WatchAttention(opened.config.decoding.attention_layer);
  int32_t newest = special.bos;
  for (size_t row = 0; row < grid.target.size(); ++row) {
    scorer.StepAll(std::span(&newest, 1));
    const std::span<const float> attention = scorer.Attention(0);
    grid.weights.insert(grid.weights.end(), attention.begin(), attention.end());
    if (row < tokens.size()) newest = tokens[row];
  }
  return grid;
}

bool CanBePictured(const TranslatedLine& line) {
  const size_t target = line.best.front().sequence.tokens.size();
  return !line.was_cut && !line.source.empty() && target > 0 &&
         std::max(line.source.size(), target) < kMostPicturedTokens;
}

// Of sentences that are spread over the text; where one cannot be drawn, the next one that can.
std::vector<AttentionGrid> PictureAttention(const TrainedModel& opened,
                                            const std::vector<std::string>& sources,
                                            const DecodingConfig& search, int64_t pictures) {
  const torch::NoGradGuard no_grad;
  const Translator translator = opened.MakeTranslator();
  // Otherwise a line may be several sentences, each of which attends to itself alone.
  DecodingConfig decoding = search;
  decoding.split_sentences = SentenceSplitting::kNever;
  std::vector<AttentionGrid> grids;
  const auto size = static_cast<int64_t>(sources.size());
  int64_t next = 0;
  for (int64_t i = 0; i < pictures; ++i) {
    constexpr int64_t kMostTries = 10;
    next = std::max(next, size * i / pictures);
    for (int64_t tries = 0; next < size && tries < kMostTries; ++tries) {
      const auto line =
          translator.Translate({.lines = std::span(sources).subspan(static_cast<size_t>(next), 1),
                                .first_line_number = next + 1,
                                .progress = {}},
                               decoding);
      ++next;
      if (!CanBePictured(line.front())) continue;
      grids.push_back(AttentionOf(opened, line.front()));
      grids.back().title = fmt::format("sentence {}", WithThousands(next));
      break;
    }
  }
  return grids;
}

}  // namespace

RunEvaluation EvaluateRun(const fs::path& run, int64_t pictures, torch::Device device) {
  const TrainedModel opened = OpenModel(run, {}, device);
  const std::vector<Named<HeldOutCorpus>> sets = opened.config.data.valid.All();
  if (sets.empty()) {
    throw UsageError("{}: its config has no data.valid, which --evaluate translates", run.string());
  }
  const std::string set = sets.front().Describe("data.valid");
  std::vector<std::string> sources;
  std::vector<std::string> references;
  for (SentencePair& pair : ReadParallel(sets.front().corpus.files, set)) {
    sources.push_back(std::move(pair.source));
    references.push_back(std::move(pair.target));
  }
  if (sources.empty()) throw UsageError("{}: {} is empty", run.string(), set);
  const DecodingConfig search =
      SearchOf(opened.config, SourcePrefixOf(sets.front().corpus, opened.config));
  std::vector<std::string> hypotheses;
  {
    ProgressBar progress(fmt::format("translating {}", set), static_cast<int64_t>(sources.size()));
    hypotheses = opened.MakeTranslator().TranslateBest(
        {.lines = sources,
         .first_line_number = 1,
         .progress = [&](int64_t done) { progress.Update(done); }},
        search);
  }
  std::vector<Segment> segments;
  for (size_t i = 0; i < sources.size(); ++i) {
    segments.push_back({.hypothesis = hypotheses[i], .references = {references[i]}});
  }
  const Bleu bleu({.tokenizer = BleuTokenizer(opened.config)});
  const Statistics statistics = Measure(bleu, segments);
  std::vector<double> sums(statistics.columns(), 0.0);
  statistics.AddTo(&sums);
  return {.checkpoint = opened.checkpoint.string(),
          .set = set,
          .sentences = static_cast<int64_t>(sources.size()),
          .bleu = bleu.FullScore(sums).value,
          .signature = Signature(bleu),
          .by_length = BleuByLength(bleu, statistics, sources),
          .attention = PictureAttention(opened, sources, search, pictures)};
}

}  // namespace wavemt
