#include "decoding/translator.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <mutex>
#include <numeric>
#include <span>
#include <utility>

#include "data/batch.h"
#include "decoding/line_splitter.h"
#include "decoding/module_scorer.h"
#include "decoding/one_line.h"
#include "decoding/packed_scorer.h"
#include "inference/decoding_precision.h"
#include "model/autocast.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

// No useful translation is longer than this, but an untrained model would always reach the limit.
int64_t LongestOutput(int64_t source_tokens, int64_t limit) {
  return std::min(limit, 3 * source_tokens + 30);
}

// Appends a translation unless its text is already in the list.
void AddDistinct(Translation translation, std::vector<Translation>* translations) {
  const bool is_duplicate = std::ranges::any_of(
      *translations, [&](const Translation& t) { return t.text == translation.text; });
  if (!is_duplicate) translations->push_back(std::move(translation));
}

// Finds the best translations of a line whose segments are translated one by one: the combinations
// with the highest sums of scores. Joins texts only once, whatever the number of segments.
class SegmentCombiner {
 public:
  explicit SegmentCombiner(size_t n_best) : n_best_(n_best) {}

  // Adds the translations of the next segment, best first.
  void Add(std::vector<Translation> segment) {
    const std::vector<Choice> start = {Choice{}};
    const std::vector<Choice>& before = choices_.empty() ? start : choices_.back();
    std::vector<Choice> choices;
    for (size_t previous = 0; previous < before.size(); ++previous) {
      for (size_t own = 0; own < segment.size(); ++own) {
        choices.push_back({.score = before[previous].score + segment[own].score,
                           .previous = previous,
                           .own = own});
      }
    }
    std::ranges::stable_sort(choices,
                             [](const Choice& a, const Choice& b) { return a.score > b.score; });
    choices.resize(std::min(choices.size(), n_best_));
    choices_.push_back(std::move(choices));
    segments_.push_back(std::move(segment));
  }

  // Best first; a single blank one if there was no segment.
  std::vector<Translation> Best() const {
    if (segments_.empty()) return {Translation{}};
    std::vector<Translation> best;
    for (size_t last = 0; last < choices_.back().size(); ++last) {
      std::vector<std::string> texts(segments_.size());
      size_t choice = last;
      for (size_t segment = segments_.size(); segment-- > 0;) {
        texts[segment] = segments_[segment][choices_[segment][choice].own].text;
        choice = choices_[segment][choice].previous;
      }
      AddDistinct({.text = JoinSegments(texts), .score = choices_.back()[last].score}, &best);
    }
    return best;
  }

 private:
  struct Choice {
    double score = 0;
    size_t previous = 0;  // Index into the previous segment's choices.
    size_t own = 0;       // Index into this segment's translations.
  };

  size_t n_best_;
  std::vector<std::vector<Translation>> segments_;
  std::vector<std::vector<Choice>> choices_;  // For each segment, best first.
};

}  // namespace

Translator::Translator(TranslationModel model) : model_(std::move(model)) {
  model_.precision = ResolveDecodingPrecision(model_.precision, model_.transformer);
  if (model_.is_final) packed_ = Pack();
  if (model_.shortlist && !PackedTransformer::CanPack(model_.transformer)) {
    throw UsageError("--shortlist: is for the CPU (--device cpu)");
  }
}

std::shared_ptr<const PackedTransformer> Translator::Pack() const {
  if (!PackedTransformer::CanPack(model_.transformer)) return nullptr;
  std::shared_ptr<const PackedTransformer> packed;
  const bool fits = FitsMemory([&] {
    packed = std::make_shared<const PackedTransformer>(
        model_.transformer, PackedTransformer::Options{.precision = model_.precision,
                                                       .kernels = BestKernels(model_.precision),
                                                       .consumes_model = model_.is_consumed});
  });
  if (!fits && model_.is_final) throw Failure("the model does not fit in memory");
  if (!fits) {
    // The modules need no second copy of the weights.
    spdlog::warn("memory is short: translating slowly, with the weights as they are");
    return nullptr;
  }
  return packed;
}

std::vector<Translator::Segment> Translator::SplitLines(const Request& request,
                                                        const DecodingConfig& options,
                                                        std::vector<TranslatedLine>* lines) const {
  LineSplitter splitter(
      model_.tokenizers.source,
      {.split_sentences = options.split_sentences,
       .trained_on = model_.trained_on.profile,
       .source_language = model_.trained_on.source_language,
       .longest = model_.transformer->max_length() - 1});  // One position is for </s>.
  std::vector<Segment> segments;
  for (size_t line = 0; line < request.lines.size(); ++line) {
    SplitLine split = splitter.Split(request.lines[line]);
    TranslatedLine& noted = (*lines)[line];
    noted.exceeds_training = split.exceeds_training;
    noted.was_cut = split.was_cut;
    noted.has_unknown = split.has_unknown;
    for (auto& ids : split.segments) segments.push_back({line, std::move(ids)});
  }
  return segments;
}

std::vector<Translator::Hypotheses> Translator::Search(SegmentBatch batch, const Request& request,
                                                       const DecodingConfig& options,
                                                       Searcher* searcher) const {
  const SpecialTokens special = model_.tokenizers.target->special();
  BeamSearchInput input{
      .longest_output = {}, .special = special, .stop_requested = request.stop_requested};
  const int64_t limit =
      std::min(options.max_output_length, model_.transformer->max_length() - 1) + 1;
  std::vector<std::vector<int32_t>> sentences;
  for (const Segment* segment : batch) {
    sentences.push_back(segment->ids);
    input.longest_output.push_back(LongestOutput(static_cast<int64_t>(segment->ids.size()), limit));
  }
  const PaddedSource padded = PadSource(sentences, model_.tokenizers.source->special());
  const auto source = torch::tensor(padded.ids, torch::kLong).view({padded.rows, padded.length});
  if (searcher->model) {
    PackedScorer scorer(*searcher->model, source, padded.lengths, special, &searcher->memory);
    if (model_.shortlist) scorer.Restrict(model_.shortlist->TokensFor(sentences));
    return BeamSearch(scorer, input, options);
  }
  const bool is_bf16 = model_.device.is_cuda() && model_.precision == DecodingPrecision::kBf16;
  const Autocast autocast(model_.device, is_bf16 ? Precision::kBf16 : Precision::kFp32);
  ModuleScorer scorer(model_.transformer, source.to(model_.device), padded.lengths, special);
  return BeamSearch(scorer, input, options);
}

std::vector<Translator::Hypotheses> Translator::TranslateBatch(SegmentBatch batch,
                                                               const Request& request,
                                                               const DecodingConfig& options,
                                                               Searcher* searcher) const {
  std::vector<Hypotheses> hypotheses;
  hypotheses.reserve(batch.size());
  HalvableWork<SegmentBatch> job;
  job.work = [&](const SegmentBatch& piece) {
    std::ranges::move(Search(piece, request, options, searcher), std::back_inserter(hypotheses));
  };
  job.halve = [&](const SegmentBatch& piece) {
    if (piece.size() == 1) {
      throw Failure(
          "line {}: its {} tokens do not fit in memory; a smaller beam_size or "
          "decoding.max_output_length does",
          request.first_line_number + static_cast<int64_t>(piece[0]->line), piece[0]->ids.size());
    }
    searcher->memory = {};
    const size_t middle = piece.size() / 2;
    return std::pair(piece.first(middle), piece.subspan(middle));
  };
  WorkInHalves<SegmentBatch>({batch}, job);
  return hypotheses;
}

std::vector<Translator::Hypotheses> Translator::TranslateSegments(
    const std::vector<Segment>& segments, const Request& request,
    const DecodingConfig& options) const {
  std::vector<size_t> order(segments.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return segments[a].ids.size() > segments[b].ids.size(); });
  const std::shared_ptr<const PackedTransformer> packed = packed_ ? packed_ : Pack();
  const size_t threads = packed ? static_cast<size_t>(at::get_num_threads()) : 1;
  // Few segments are shared out evenly.
  const size_t most_rows = (segments.size() + threads - 1) / threads;
  std::vector<std::span<const size_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += batches.back().size()) {
    const size_t longest = segments[order[begin]].ids.size() + 1;
    const size_t rows = std::clamp<size_t>(static_cast<size_t>(options.batch_tokens) / longest, 1,
                                           std::min(most_rows, order.size() - begin));
    batches.push_back(std::span(order).subspan(begin, rows));
  }
  std::vector<Hypotheses> translated(segments.size());
  std::mutex mutex;  // Of what follows, and of the functions of the request.
  size_t next_batch = 0;
  size_t done = 0;
  std::exception_ptr error;  // The first one; it stops the other threads.
  Request asks_once = request;
  asks_once.stop_requested = [&] {
    const std::scoped_lock lock(mutex);
    return error || (request.stop_requested && request.stop_requested());
  };
  const auto take_batch = [&]() -> std::optional<std::span<const size_t>> {
    const std::scoped_lock lock(mutex);
    if (error || next_batch >= batches.size()) return std::nullopt;
    return batches[next_batch++];
  };
  const auto put_back = [&](std::span<const size_t> indices, std::vector<Hypotheses> hypotheses) {
    const std::scoped_lock lock(mutex);
    for (size_t i = 0; i < indices.size(); ++i) translated[indices[i]] = std::move(hypotheses[i]);
    done += indices.size();
    if (request.progress) {
      request.progress(static_cast<int64_t>(request.lines.size() * done / order.size()));
    }
  };
  team_->Run(std::min(threads, batches.size()), [&] {
    try {
      const torch::NoGradGuard no_grad;
      Searcher searcher{.model = packed};
      while (const auto indices = take_batch()) {
        std::vector<const Segment*> batch;
        for (const size_t i : *indices) batch.push_back(&segments[i]);
        put_back(*indices, TranslateBatch(batch, asks_once, options, &searcher));
      }
      ReleaseKernels();
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!error) error = std::current_exception();
    }
  });
  if (error) std::rethrow_exception(error);
  return translated;
}

// Different tokens may have the same text; only the best of them is kept.
std::vector<Translation> Translator::TextsOf(const Hypotheses& hypotheses, size_t n_best) const {
  std::vector<Translation> translations;
  for (const Hypothesis& hypothesis : hypotheses) {
    if (translations.size() == n_best) break;
    AddDistinct({.text = OnOneLine(model_.tokenizers.target->Decode(hypothesis.tokens)),
                 .score = hypothesis.score},
                &translations);
  }
  return translations;
}

std::vector<TranslatedLine> Translator::Translate(const Request& request,
                                                  const DecodingConfig& options) const {
  const torch::NoGradGuard no_grad;
  std::vector<TranslatedLine> lines(request.lines.size());
  const std::vector<Segment> segments = SplitLines(request, options, &lines);
  const auto n_best = static_cast<size_t>(options.n_best);
  DecodingConfig search = options;
  // More than wanted, because some may have the same text.
  if (options.n_best > 1) search.n_best = 2 * options.beam_size;
  const auto hypotheses = TranslateSegments(segments, request, search);
  size_t next = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    SegmentCombiner combiner(n_best);
    for (; next < segments.size() && segments[next].line == i; ++next) {
      lines[i].output_was_cut = lines[i].output_was_cut || hypotheses[next].front().was_cut;
      combiner.Add(TextsOf(hypotheses[next], n_best));
    }
    lines[i].best = combiner.Best();
  }
  return lines;
}

std::vector<std::string> Translator::TranslateBest(const Request& request,
                                                   const DecodingConfig& options) const {
  DecodingConfig best_only = options;
  best_only.n_best = 1;
  std::vector<std::string> texts;
  for (auto& line : Translate(request, best_only)) {
    texts.push_back(std::move(line.best.front().text));
  }
  return texts;
}

}  // namespace wavemt
