#include "decoding/translator.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <iterator>
#include <mutex>
#include <numeric>
#include <span>
#include <utility>

#include "data/batch.h"
#include "decoding/beam_search.h"
#include "decoding/ensemble_scorer.h"
#include "decoding/module_scorer.h"
#include "decoding/one_line.h"
#include "decoding/packed_scorer.h"
#include "decoding/sampling.h"
#include "decoding/segment_combiner.h"
#include "inference/decoding_precision.h"
#include "model/autocast.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

// By how much smaller batches must be than those of a search with one model: draws and ensembles
// hold the probabilities of all tokens, for each translation that grows.
int64_t SizeOfSegment(const DecodingConfig& options, bool is_ensemble) {
  if (options.mbr_samples > 0) return options.mbr_samples;
  if (options.sampling) return options.n_best;
  return is_ensemble ? options.beam_size : 1;
}

}  // namespace

Translator::Translator(TranslationModel model) : model_(std::move(model)) {
  model_.precision = ResolveDecodingPrecision(model_.precision, model_.transformers.front());
  if (model_.is_final) packed_ = PackAll();
  if (model_.shortlist && !PackedTransformer::CanPack(model_.transformers.front())) {
    throw UsageError("--shortlist: is for the CPU (--device cpu)");
  }
}

Segmenter Translator::MakeSegmenter(const Request& request, const DecodingConfig& options) const {
  int64_t max_length = model_.transformers.front()->max_length();
  for (const Transformer& model : model_.transformers) {
    max_length = std::min(max_length, model->max_length());
  }
  return Segmenter({.tokenizers = model_.tokenizers,
                    .trained_on = model_.trained_on,
                    .max_length = max_length,
                    .first_line_number = request.first_line_number,
                    .decoding = options});
}

std::shared_ptr<const PackedTransformer> Translator::Pack(const Transformer& model) const {
  if (!PackedTransformer::CanPack(model)) return nullptr;
  std::shared_ptr<const PackedTransformer> packed;
  const bool fits = FitsMemory([&] {
    packed = std::make_shared<const PackedTransformer>(
        model, PackedTransformer::Options{.precision = model_.precision,
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

std::vector<std::shared_ptr<const PackedTransformer>> Translator::PackAll() const {
  std::vector<std::shared_ptr<const PackedTransformer>> packed;
  for (const Transformer& model : model_.transformers) packed.push_back(Pack(model));
  return packed;
}

std::unique_ptr<StepScorer> Translator::MakeScorer(SegmentBatch batch,
                                                   const DecodingConfig& options,
                                                   Searcher* searcher) const {
  const SpecialTokens special = model_.tokenizers.target->special();
  std::vector<std::vector<int32_t>> sentences;
  for (const SourceSegment* segment : batch) sentences.push_back(segment->ids);
  const PaddedSource padded = PadSource(sentences, model_.tokenizers.source->special());
  const auto source = torch::tensor(padded.ids, torch::kLong).view({padded.rows, padded.length});
  std::vector<int32_t> allowed;
  if (model_.shortlist) {
    allowed = model_.shortlist->TokensFor(sentences);
    for (const SourceSegment* segment : batch) {
      const auto& prefix = segment->sentence.target_prefix;
      allowed.insert(allowed.end(), prefix.begin(), prefix.end());
    }
    std::ranges::sort(allowed);
    allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  }
  std::vector<std::unique_ptr<StepScorer>> scorers;
  for (size_t i = 0; i < model_.transformers.size(); ++i) {
    if (searcher->models[i]) {
      auto packed = std::make_unique<PackedScorer>(*searcher->models[i], source, padded.lengths,
                                                   special, &searcher->memory);
      if (!allowed.empty()) packed->Restrict(allowed);
      scorers.push_back(std::move(packed));
    } else {
      scorers.push_back(std::make_unique<ModuleScorer>(
          model_.transformers[i], source.to(model_.device), padded.lengths, special));
    }
  }
  if (scorers.size() == 1) return std::move(scorers.front());
  return std::make_unique<EnsembleScorer>(std::move(scorers), special, options.ensemble_mean);
}

std::vector<std::vector<Hypothesis>> Translator::Search(SegmentBatch batch, const Request& request,
                                                        const DecodingConfig& options,
                                                        Searcher* searcher) const {
  SearchInput input{.sentences = {},
                    .special = model_.tokenizers.target->special(),
                    .watches_attention = request.watches_attention || options.coverage_penalty > 0,
                    .stop_requested = request.stop_requested};
  for (const SourceSegment* segment : batch) input.sentences.push_back(segment->sentence);
  const bool is_bf16 = model_.device.is_cuda() && model_.precision == DecodingPrecision::kBf16;
  const Autocast autocast(model_.device, is_bf16 ? Precision::kBf16 : Precision::kFp32);
  const auto scorer = MakeScorer(batch, options, searcher);
  return options.draws() ? Sample(*scorer, input, options) : BeamSearch(*scorer, input, options);
}

std::vector<Translator::Translations> Translator::TranslateBatch(SegmentBatch batch,
                                                                 const Request& request,
                                                                 const DecodingConfig& options,
                                                                 Searcher* searcher) const {
  DecodingConfig search = options;
  if (options.mbr_samples > 0) {
    search.n_best = options.mbr_samples;
  } else if (!options.sampling && (options.n_best > 1 || !request.length_penalties.empty())) {
    // All that it finds: some may have the same text, and any may be the best under another
    // penalty.
    search.n_best = 2 * options.beam_size;
  }
  std::vector<Translations> translated;
  translated.reserve(batch.size());
  HalvableWork<SegmentBatch> job;
  job.work = [&](const SegmentBatch& piece) {
    std::vector<Translations> of_piece;
    for (auto& hypotheses : Search(piece, request, search, searcher)) {
      of_piece.push_back(TextsOf(std::move(hypotheses), request, options));
    }
    // All of them or, if memory runs out before, none.
    std::ranges::move(of_piece, std::back_inserter(translated));
  };
  job.halve = [&](const SegmentBatch& piece) {
    if (piece.size() == 1) {
      const char* smaller = options.mbr_samples > 0 ? "decoding.mbr_samples"
                            : options.sampling      ? "decoding.n_best"
                                                    : "beam_size";
      throw Failure(
          "line {}: its {} tokens do not fit in memory; a smaller {} or "
          "decoding.max_output_length does",
          request.first_line_number + static_cast<int64_t>(piece[0]->line), piece[0]->ids.size(),
          smaller);
    }
    searcher->memory = {};
    const size_t middle = piece.size() / 2;
    return std::pair(piece.first(middle), piece.subspan(middle));
  };
  WorkInHalves<SegmentBatch>({batch}, job);
  return translated;
}

std::vector<Translator::Translations> Translator::TranslateSegments(
    const std::vector<SourceSegment>& segments, const Request& request,
    const DecodingConfig& options) const {
  std::vector<size_t> order(segments.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return segments[a].ids.size() > segments[b].ids.size(); });
  const auto models = packed_.empty() ? PackAll() : packed_;
  const bool all_packed = std::ranges::all_of(models, [](const auto& m) { return m != nullptr; });
  const size_t threads = all_packed ? static_cast<size_t>(at::get_num_threads()) : 1;
  const int64_t size = SizeOfSegment(options, model_.transformers.size() > 1);
  const int64_t batch_tokens = std::max<int64_t>(options.batch_tokens / size, 1);
  // Few segments are shared out evenly.
  const size_t most_rows = (segments.size() + threads - 1) / threads;
  std::vector<std::span<const size_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += batches.back().size()) {
    const size_t longest = segments[order[begin]].ids.size() + 1;
    const size_t rows = std::clamp<size_t>(static_cast<size_t>(batch_tokens) / longest, 1,
                                           std::min(most_rows, order.size() - begin));
    batches.push_back(std::span(order).subspan(begin, rows));
  }
  std::vector<Translations> translated(segments.size());
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
  const auto put_back = [&](std::span<const size_t> indices, std::vector<Translations> batch) {
    const std::scoped_lock lock(mutex);
    for (size_t i = 0; i < indices.size(); ++i) translated[indices[i]] = std::move(batch[i]);
    done += indices.size();
    if (request.progress) {
      request.progress(static_cast<int64_t>(request.lines.size() * done / order.size()));
    }
  };
  team_->Run(std::min(threads, batches.size()), [&] {
    try {
      const torch::NoGradGuard no_grad;
      Searcher searcher{.models = models};
      while (const auto indices = take_batch()) {
        std::vector<const SourceSegment*> batch;
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

Translator::Translations Translator::TextsOf(std::vector<Hypothesis> hypotheses,
                                             const Request& request,
                                             const DecodingConfig& options) const {
  if (!request.length_penalties.empty()) {
    hypotheses = BestUnderEach(request.length_penalties, hypotheses, options.length_penalty);
  }
  Translations all;
  for (Hypothesis& hypothesis : hypotheses) {
    all.push_back({.text = OnOneLine(model_.tokenizers.target->Decode(hypothesis.sequence.tokens)),
                   .score = hypothesis.score,
                   .log_probability = hypothesis.log_probability,
                   .sequence = std::move(hypothesis.sequence),
                   .end_log_probs = {hypothesis.end_log_prob},
                   .was_cut = hypothesis.was_cut});
  }
  if (options.mbr_samples > 0) {
    std::vector<std::string> texts;
    for (const Translation& translation : all) texts.push_back(translation.text);
    const std::vector<double> expected = model_.expected_metric(texts);
    for (size_t i = 0; i < all.size(); ++i) all[i].score = expected[i];
    std::ranges::stable_sort(all, std::greater(), &Translation::score);
  } else if (options.sampling || !request.length_penalties.empty()) {
    return all;
  }
  // Different tokens may have the same text; only the best of them is kept.
  Translations best;
  for (Translation& translation : all) {
    if (best.size() == static_cast<size_t>(options.n_best)) break;
    AddDistinct(std::move(translation), &best);
  }
  return best;
}

std::vector<TranslatedLine> Translator::Translate(const Request& request,
                                                  const DecodingConfig& options) const {
  const torch::NoGradGuard no_grad;
  std::vector<TranslatedLine> lines(request.lines.size());
  const std::vector<SourceSegment> segments =
      MakeSegmenter(request, options).Split(request.lines, request.target_prefixes, &lines);
  std::vector<Translations> translated = TranslateSegments(segments, request, options);
  const size_t num_penalties = request.length_penalties.size();
  const bool is_in_order = (options.sampling && options.mbr_samples == 0) || num_penalties > 0;
  const auto combine =
      is_in_order ? SegmentCombiner::Combine::kInOrder : SegmentCombiner::Combine::kBest;
  size_t next = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    SegmentCombiner combiner(combine, static_cast<size_t>(options.n_best));
    for (; next < segments.size() && segments[next].line == i; ++next) {
      combiner.Add(std::move(translated[next]), segments[next].ids.size());
    }
    lines[i].best = combiner.Combined();
    if (num_penalties > 0) lines[i].best.resize(num_penalties);  // A blank line has a single one.
    lines[i].output_was_cut = lines[i].best.front().was_cut;
  }
  return lines;
}

std::vector<TranslatedLine> Translator::Score(const Request& request,
                                              std::span<const std::string> targets,
                                              const DecodingConfig& options) const {
  const torch::NoGradGuard no_grad;
  DecodingConfig forced = options;
  forced.beam_size = 1;  // There is a single hypothesis: the target.
  forced.n_best = 1;
  forced.no_repeat_ngram_size = 0;
  forced.sampling = false;
  forced.mbr_samples = 0;
  std::vector<SourceSegment> segments = MakeSegmenter(request, forced).Pair(request.lines, targets);
  std::vector<Translations> scored = TranslateSegments(segments, request, forced);
  std::vector<TranslatedLine> lines(request.lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    lines[i].best = std::move(scored[i]);
    lines[i].best.front().was_cut = false;
    const auto has_unknown = [](const std::vector<int32_t>& ids, const Tokenizer& tokenizer) {
      return std::ranges::find(ids, tokenizer.special().unk) != ids.end();
    };
    lines[i].has_unknown =
        has_unknown(segments[i].ids, *model_.tokenizers.source) ||
        has_unknown(segments[i].sentence.target_prefix, *model_.tokenizers.target);
    lines[i].source = std::move(segments[i].ids);
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
