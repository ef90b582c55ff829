#include "decoding/translator.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "data/batch.h"
#include "decoding/cached_scorer.h"
#include "decoding/line_splitter.h"
#include "decoding/one_line.h"
#include "model/masks.h"
#include "model/out_of_memory.h"
#include "support/error.h"

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

Translator::Translator(Transformer model, TokenizerPair tokenizers, torch::Device device,
                       TrainedOn trained_on)
    : model_(std::move(model)),
      tokenizers_(std::move(tokenizers)),
      device_(device),
      trained_on_(std::move(trained_on)) {}

std::vector<Translator::Segment> Translator::SplitLines(const Request& request,
                                                        const DecodingConfig& options,
                                                        std::vector<TranslatedLine>* lines) const {
  LineSplitter splitter(tokenizers_.source,
                        {.split_sentences = options.split_sentences,
                         .trained_on = trained_on_.profile,
                         .source_language = trained_on_.source_language,
                         .longest = model_->max_length() - 1});  // One position is for </s>.
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
                                                       const DecodingConfig& options) const {
  BeamSearchInput input{.longest_output = {},
                        .special = tokenizers_.target->special(),
                        .device = device_,
                        .stop_requested = request.stop_requested};
  const int64_t limit = std::min(options.max_output_length, model_->max_length() - 1) + 1;
  std::vector<std::vector<int32_t>> sentences;
  for (const Segment* segment : batch) {
    sentences.push_back(segment->ids);
    input.longest_output.push_back(LongestOutput(static_cast<int64_t>(segment->ids.size()), limit));
  }
  const PaddedSource padded = PadSource(sentences, tokenizers_.source->special());
  const auto source = torch::tensor(padded.ids, torch::kLong).view({padded.rows, padded.length});
  const auto lengths = torch::tensor(padded.lengths, torch::kLong);  // [rows]
  const bool has_padding = std::ranges::min(padded.lengths) < padded.length;
  const torch::Tensor mask =
      has_padding ? PaddingMask(lengths.to(device_), padded.length) : torch::Tensor();
  CachedScorer scorer(model_, source.to(device_), mask);
  return BeamSearch(scorer, input, options);
}

std::vector<Translator::Hypotheses> Translator::TranslateBatch(
    SegmentBatch batch, const Request& request, const DecodingConfig& options) const {
  std::vector<Hypotheses> hypotheses;
  hypotheses.reserve(batch.size());
  HalvableWork<SegmentBatch> job;
  job.work = [&](const SegmentBatch& piece) {
    std::ranges::move(Search(piece, request, options), std::back_inserter(hypotheses));
  };
  job.halve = [&](const SegmentBatch& piece) {
    if (piece.size() == 1) {
      throw Failure(
          "line {}: its {} tokens do not fit in memory; a smaller beam_size or "
          "decoding.max_output_length does",
          request.first_line_number + static_cast<int64_t>(piece[0]->line), piece[0]->ids.size());
    }
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
  std::vector<Hypotheses> translated(segments.size());
  for (size_t begin = 0; begin < order.size();) {
    const size_t longest = segments[order[begin]].ids.size() + 1;
    const size_t rows = std::max<size_t>(static_cast<size_t>(options.batch_tokens) / longest, 1);
    const size_t end = std::min(begin + rows, order.size());
    std::vector<const Segment*> batch;
    for (size_t i = begin; i < end; ++i) batch.push_back(&segments[order[i]]);
    auto hypotheses = TranslateBatch(batch, request, options);
    for (size_t i = begin; i < end; ++i) translated[order[i]] = std::move(hypotheses[i - begin]);
    begin = end;
    if (request.progress) {
      request.progress(static_cast<int64_t>(request.lines.size() * end / order.size()));
    }
  }
  return translated;
}

// Different tokens may have the same text; only the best of them is kept.
std::vector<Translation> Translator::TextsOf(const Hypotheses& hypotheses, size_t n_best) const {
  std::vector<Translation> translations;
  for (const Hypothesis& hypothesis : hypotheses) {
    if (translations.size() == n_best) break;
    AddDistinct({.text = OnOneLine(tokenizers_.target->Decode(hypothesis.tokens)),
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
