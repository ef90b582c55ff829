#include "decoding/translator.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "decoding/cached_scorer.h"
#include "decoding/line_splitter.h"
#include "decoding/one_line.h"
#include "model/masks.h"
#include "model/out_of_memory.h"
#include "support/error.h"

namespace wavemt {
namespace {

// No useful translation is longer than this; an untrained model would otherwise run to the limit.
int64_t LongestOutput(int64_t source_tokens, int64_t limit) {
  return std::min(limit, 3 * source_tokens + 30);
}

// Puts a model into evaluation mode for as long as this lives.
class EvaluationMode {
 public:
  explicit EvaluationMode(TransformerImpl& model)
      : model_(model), was_training_(model.is_training()) {
    model_.eval();
  }
  ~EvaluationMode() { model_.train(was_training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  TransformerImpl& model_;
  bool was_training_;
};

// Unless its text is there already.
void AddDistinct(Translation translation, std::vector<Translation>* translations) {
  const bool is_there = std::ranges::any_of(
      *translations, [&](const Translation& t) { return t.text == translation.text; });
  if (!is_there) translations->push_back(std::move(translation));
}

// The best translations of a line whose parts are translated one by one: the combinations with the
// highest sums of scores. Texts are put together once, whatever the number of parts.
class PartCombiner {
 public:
  explicit PartCombiner(size_t most) : most_(most) {}

  // The translations of the next part, best first.
  void Add(std::vector<Translation> part) {
    const std::vector<Choice> start = {Choice{}};
    const std::vector<Choice>& before = choices_.empty() ? start : choices_.back();
    std::vector<Choice> choices;
    for (size_t previous = 0; previous < before.size(); ++previous) {
      for (size_t own = 0; own < part.size(); ++own) {
        choices.push_back(
            {.score = before[previous].score + part[own].score, .previous = previous, .own = own});
      }
    }
    std::ranges::stable_sort(choices,
                             [](const Choice& a, const Choice& b) { return a.score > b.score; });
    choices.resize(std::min(choices.size(), most_));
    choices_.push_back(std::move(choices));
    parts_.push_back(std::move(part));
  }

  // Best first; one that is blank where there was no part.
  std::vector<Translation> Best() const {
    if (parts_.empty()) return {Translation{}};
    std::vector<Translation> best;
    for (size_t last = 0; last < choices_.back().size(); ++last) {
      std::vector<std::string> texts(parts_.size());
      size_t choice = last;
      for (size_t part = parts_.size(); part-- > 0;) {
        texts[part] = parts_[part][choices_[part][choice].own].text;
        choice = choices_[part][choice].previous;
      }
      AddDistinct({.text = JoinSegments(texts), .score = choices_.back()[last].score}, &best);
    }
    return best;
  }

 private:
  struct Choice {
    double score = 0;
    size_t previous = 0;  // Of the choices for the part before.
    size_t own = 0;       // Of this part's translations.
  };

  size_t most_;
  std::vector<std::vector<Translation>> parts_;
  std::vector<std::vector<Choice>> choices_;  // For each part, best first.
};

}  // namespace

Translator::Translator(Transformer model, TokenizerPair tokenizers, torch::Device device,
                       TrainedOn trained_on)
    : model_(std::move(model)),
      tokenizers_(std::move(tokenizers)),
      device_(device),
      trained_on_(std::move(trained_on)) {}

std::vector<Translator::Part> Translator::SplitIntoParts(const Request& request,
                                                         const DecodingConfig& options,
                                                         std::vector<TranslatedLine>* lines) const {
  LineSplitter splitter(tokenizers_.source,
                        {.split_sentences = options.split_sentences,
                         .trained_on = trained_on_.profile,
                         .source_language = trained_on_.source_language,
                         .longest = model_->max_length() - 1});  // One position is for </s>.
  std::vector<Part> parts;
  for (size_t line = 0; line < request.lines.size(); ++line) {
    SplitLine split = splitter.Split(request.lines[line]);
    TranslatedLine& noted = (*lines)[line];
    noted.exceeds_training = split.exceeds_training;
    noted.was_cut = split.was_cut;
    noted.has_unknown = split.has_unknown;
    for (auto& ids : split.segments) parts.push_back({line, std::move(ids)});
  }
  return parts;
}

std::vector<std::vector<Hypothesis>> Translator::TranslateBatch(
    const std::vector<const Part*>& batch, const Request& request, const DecodingConfig& options) {
  const SpecialTokens& source_special = tokenizers_.source->special();
  const auto rows = static_cast<int64_t>(batch.size());
  int64_t length = 0;
  for (const Part* part : batch) {
    length = std::max(length, static_cast<int64_t>(part->ids.size()) + 1);
  }
  auto source = torch::full({rows, length}, static_cast<int64_t>(source_special.pad), torch::kLong);
  auto lengths = torch::empty({rows}, torch::kLong);
  BeamSearchInput input{.longest_output = {},
                        .special = tokenizers_.target->special(),
                        .device = device_,
                        .stop_requested = request.stop_requested};
  const int64_t limit = std::min(options.max_output_length, model_->max_length() - 1) + 1;
  bool padded = false;
  for (int64_t row = 0; row < rows; ++row) {
    const std::vector<int32_t>& ids = batch[static_cast<size_t>(row)]->ids;
    const auto tokens = static_cast<int64_t>(ids.size());
    int64_t* place = source.mutable_data_ptr<int64_t>() + row * length;
    *std::copy(ids.begin(), ids.end(), place) = source_special.eos;
    lengths.mutable_data_ptr<int64_t>()[row] = tokens + 1;
    input.longest_output.push_back(LongestOutput(tokens, limit));
    padded = padded || tokens + 1 < length;
  }
  const torch::Tensor mask = padded ? PaddingMask(lengths.to(device_), length) : torch::Tensor();
  CachedScorer scorer(model_, source.to(device_), mask);
  return BeamSearch(scorer, input, options);
}

std::vector<std::vector<Hypothesis>> Translator::TranslateInMemory(
    const std::vector<const Part*>& batch, const Request& request, const DecodingConfig& options) {
  std::vector<std::vector<Hypothesis>> hypotheses;
  if (FitsMemory([&] { hypotheses = TranslateBatch(batch, request, options); })) return hypotheses;
  if (batch.size() == 1) {
    throw Failure(
        "line {}: its {} tokens do not fit the memory; a smaller beam_size or "
        "decoding.max_output_length does",
        request.first_line_number + static_cast<int64_t>(batch[0]->line), batch[0]->ids.size());
  }
  const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
  hypotheses = TranslateInMemory({batch.begin(), middle}, request, options);
  auto second = TranslateInMemory({middle, batch.end()}, request, options);
  std::ranges::move(second, std::back_inserter(hypotheses));
  return hypotheses;
}

std::vector<std::vector<Hypothesis>> Translator::TranslateParts(const std::vector<Part>& parts,
                                                                const Request& request,
                                                                const DecodingConfig& options) {
  std::vector<size_t> order(parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return parts[a].ids.size() > parts[b].ids.size(); });
  std::vector<std::vector<Hypothesis>> translated(parts.size());
  for (size_t begin = 0; begin < order.size();) {
    const size_t longest = parts[order[begin]].ids.size() + 1;
    const size_t rows = std::max<size_t>(static_cast<size_t>(options.batch_tokens) / longest, 1);
    const size_t end = std::min(begin + rows, order.size());
    std::vector<const Part*> batch;
    for (size_t i = begin; i < end; ++i) batch.push_back(&parts[order[i]]);
    auto hypotheses = TranslateInMemory(batch, request, options);
    for (size_t i = begin; i < end; ++i) translated[order[i]] = std::move(hypotheses[i - begin]);
    begin = end;
    if (request.progress) {
      request.progress(static_cast<int64_t>(request.lines.size() * end / order.size()));
    }
  }
  return translated;
}

// Different tokens may spell the same text: the best of them stands for all.
std::vector<Translation> Translator::TextsOf(const std::vector<Hypothesis>& hypotheses,
                                             size_t most) const {
  std::vector<Translation> translations;
  for (const Hypothesis& hypothesis : hypotheses) {
    if (translations.size() == most) break;
    AddDistinct({.text = OnOneLine(tokenizers_.target->Decode(hypothesis.tokens)),
                 .score = hypothesis.score},
                &translations);
  }
  return translations;
}

std::vector<TranslatedLine> Translator::Translate(const Request& request,
                                                  const DecodingConfig& options) {
  const torch::NoGradGuard no_grad;
  const EvaluationMode evaluating(*model_);
  std::vector<TranslatedLine> lines(request.lines.size());
  const std::vector<Part> parts = SplitIntoParts(request, options, &lines);
  const auto most = static_cast<size_t>(options.n_best);
  DecodingConfig search = options;
  // More than are wanted, as some may be of the same text.
  if (options.n_best > 1) search.n_best = 2 * options.beam_size;
  const auto hypotheses = TranslateParts(parts, request, search);
  size_t next = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    PartCombiner combiner(most);
    for (; next < parts.size() && parts[next].line == i; ++next) {
      lines[i].output_was_cut = lines[i].output_was_cut || hypotheses[next].front().was_cut;
      combiner.Add(TextsOf(hypotheses[next], most));
    }
    lines[i].best = combiner.Best();
  }
  return lines;
}

std::vector<std::string> Translator::TranslateBest(const Request& request,
                                                   const DecodingConfig& options) {
  DecodingConfig best_only = options;
  best_only.n_best = 1;
  std::vector<std::string> texts;
  for (auto& line : Translate(request, best_only)) {
    texts.push_back(std::move(line.best.front().text));
  }
  return texts;
}

}  // namespace wavemt
