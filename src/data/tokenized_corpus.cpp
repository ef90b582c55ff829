#include "data/tokenized_corpus.h"

#include <algorithm>
#include <future>
#include <utility>

#include "data/corpus.h"
#include "support/error.h"
#include "support/progress.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

struct EncodedPair {
  std::vector<int32_t> source;
  std::vector<int32_t> target;
};

std::vector<EncodedPair> EncodeRange(std::span<const SentencePair> pairs,
                                     const TokenizerPair& tokenizers) {
  std::vector<EncodedPair> encoded;
  encoded.reserve(pairs.size());
  for (const SentencePair& pair : pairs) {
    encoded.push_back(
        {tokenizers.source->Encode(pair.source), tokenizers.target->Encode(pair.target)});
  }
  return encoded;
}

// Encodes `pairs` in equal parts, one a thread; the parts come back in order.
std::vector<std::vector<EncodedPair>> EncodeInParallel(std::span<const SentencePair> pairs,
                                                       const TokenizerPair& tokenizers,
                                                       int num_threads) {
  const size_t parts = static_cast<size_t>(std::max(num_threads, 1));
  std::vector<std::future<std::vector<EncodedPair>>> work;
  for (size_t part = 0; part < parts; ++part) {
    const size_t begin = pairs.size() * part / parts;
    const size_t end = pairs.size() * (part + 1) / parts;
    work.push_back(std::async(std::launch::async, EncodeRange, pairs.subspan(begin, end - begin),
                              std::cref(tokenizers)));
  }
  std::vector<std::vector<EncodedPair>> results;
  results.reserve(parts);
  for (auto& result : work) results.push_back(result.get());
  return results;
}

}  // namespace

std::span<const int32_t> TokenizedCorpus::Side::Sentence(int64_t pair) const {
  const auto index = static_cast<size_t>(pair);
  const uint64_t begin = index == 0 ? 0 : ends[index - 1];
  return std::span(ids).subspan(begin, ends[index] - begin);
}

void TokenizedCorpus::Side::Add(std::span<const int32_t> sentence) {
  ids.insert(ids.end(), sentence.begin(), sentence.end());
  ends.push_back(ids.size());
}

void TokenizedCorpus::Add(std::span<const int32_t> source, std::span<const int32_t> target) {
  source_.Add(source);
  target_.Add(target);
}

std::string CorpusCounts::Summary(int64_t max_length) const {
  std::string text = fmt::format("{} pairs: {} used", WithThousands(read), WithThousands(kept()));
  if (empty > 0) text += fmt::format(", {} skipped with a blank side", WithThousands(empty));
  if (too_long > 0) {
    text += fmt::format(", {} skipped over {} tokens", WithThousands(too_long), max_length);
  }
  return text;
}

TokenizedText TokenizeCorpus(const ParallelFiles& files, const TokenizerPair& tokenizers,
                             const TokenizeOptions& options) {
  constexpr size_t kChunk = 20'000;
  ParallelReader reader(files);
  ProgressBar progress("tokenizing " + options.name, 0);
  TokenizedText result;
  std::vector<SentencePair> chunk;
  const auto longest = static_cast<size_t>(options.max_length);
  const auto encode_chunk = [&] {
    for (const auto& part : EncodeInParallel(chunk, tokenizers, options.num_threads)) {
      for (const EncodedPair& pair : part) {
        if (pair.source.empty() || pair.target.empty()) {
          ++result.counts.empty;
        } else if (pair.source.size() > longest || pair.target.size() > longest) {
          ++result.counts.too_long;
        } else {
          result.corpus.Add(pair.source, pair.target);
        }
      }
    }
    result.counts.read += static_cast<int64_t>(chunk.size());
    progress.Update(result.counts.read, "pairs");
    chunk.clear();
  };
  for (SentencePair pair; reader.Next(&pair);) {
    if (!IsBlank(pair.source) && !IsBlank(pair.target) &&
        (tokenizers.source->IsTooLong(pair.source, options.max_length) ||
         tokenizers.target->IsTooLong(pair.target, options.max_length))) {
      ++result.counts.too_long;
      ++result.counts.read;
      continue;
    }
    chunk.push_back(std::move(pair));
    if (chunk.size() == kChunk) encode_chunk();
  }
  encode_chunk();
  if (result.corpus.size() == 0) {
    throw UsageError("{}: no usable sentence pair: {}", options.name,
                     result.counts.read == 0 ? "the files are empty"
                                             : result.counts.Summary(options.max_length));
  }
  return result;
}

}  // namespace wavemt
