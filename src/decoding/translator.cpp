#include "decoding/translator.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "decoding/cached_scorer.h"
#include "decoding/long_input.h"
#include "decoding/one_line.h"
#include "model/masks.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

// No useful translation is longer than this; an untrained model would otherwise run to the limit.
int64_t LongestOutput(int64_t source_tokens, int64_t limit) {
  return std::min(limit, 3 * source_tokens + 30);
}

}  // namespace

Translator::Translator(Transformer model, TokenizerPair tokenizers, torch::Device device)
    : model_(std::move(model)), tokenizers_(std::move(tokenizers)), device_(device) {}

std::vector<Translator::Part> Translator::SplitIntoParts(const Request& request) const {
  const int64_t longest = model_->max_length() - 1;  // One position is for </s>.
  std::vector<Part> parts;
  for (size_t line = 0; line < request.lines.size(); ++line) {
    auto pieces = SplitLongInput(*tokenizers_.source, request.lines[line], longest);
    if (pieces.size() > 1) {
      size_t tokens = 0;
      for (const auto& piece : pieces) tokens += piece.size();
      spdlog::warn(
          "line {}: {} tokens are more than the model's {} positions; translated in {} parts",
          request.first_line_number + static_cast<int64_t>(line), tokens, model_->max_length(),
          pieces.size());
    }
    for (auto& piece : pieces) parts.push_back({line, std::move(piece)});
  }
  return parts;
}

std::vector<std::vector<Hypothesis>> Translator::TranslateBatch(
    const std::vector<const Part*>& batch, const DecodingConfig& options) {
  const SpecialTokens& source_special = tokenizers_.source->special();
  const auto rows = static_cast<int64_t>(batch.size());
  int64_t length = 0;
  for (const Part* part : batch) {
    length = std::max(length, static_cast<int64_t>(part->ids.size()) + 1);
  }
  auto source = torch::full({rows, length}, static_cast<int64_t>(source_special.pad), torch::kLong);
  auto lengths = torch::empty({rows}, torch::kLong);
  BeamSearchInput input{
      .longest_output = {}, .special = tokenizers_.target->special(), .device = device_};
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
  if (FitsMemory([&] { hypotheses = TranslateBatch(batch, options); })) return hypotheses;
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

std::vector<std::vector<Translation>> Translator::Translate(const Request& request,
                                                            const DecodingConfig& options) {
  const torch::NoGradGuard no_grad;
  const bool was_training = model_->is_training();
  model_->eval();
  const std::vector<Part> parts = SplitIntoParts(request);
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
  model_->train(was_training);

  std::vector<std::vector<Translation>> results(
      request.lines.size(), std::vector<Translation>(static_cast<size_t>(options.n_best)));
  for (size_t first = 0; first < parts.size();) {
    const size_t line = parts[first].line;
    size_t last = first;
    while (last < parts.size() && parts[last].line == line) ++last;
    for (size_t n = 0; n < results[line].size(); ++n) {
      std::vector<std::string> texts;
      for (size_t part = first; part < last; ++part) {
        const Hypothesis& hypothesis = translated[part][std::min(n, translated[part].size() - 1)];
        texts.push_back(OnOneLine(tokenizers_.target->Decode(hypothesis.tokens)));
        results[line][n].score += hypothesis.score;
      }
      results[line][n].text = JoinParts(texts);
    }
    first = last;
  }
  return results;
}

std::vector<std::string> Translator::TranslateBest(const Request& request,
                                                   const DecodingConfig& options) {
  DecodingConfig best_only = options;
  best_only.n_best = 1;
  std::vector<std::string> texts;
  for (auto& translations : Translate(request, best_only)) {
    texts.push_back(std::move(translations.front().text));
  }
  return texts;
}

}  // namespace wavemt
