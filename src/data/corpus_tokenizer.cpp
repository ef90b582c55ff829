#include "data/corpus_tokenizer.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>
#include <vector>

#include "data/cleaning/fingerprint.h"
#include "data/cleaning/fingerprint_set.h"
#include "data/cleaning/pair_checker.h"
#include "data/corpus.h"
#include "data/corpus_origin.h"
#include "data/sentence_splitter.h"
#include "data/tags.h"
#include "support/error.h"
#include "support/progress.h"
#include "support/work_in_order.h"

namespace wavemt {
namespace {

// Chunks are large enough to make the cost of starting a thread negligible, and small enough for
// many of them to take little memory, however long the lines are.
constexpr size_t kChunkPairs = 2000;
constexpr size_t kChunkBytes = 4 << 20;

struct EncodedChunk {
  struct Pair {
    uint32_t source = 0;  // Lengths in tokens.
    uint32_t target = 0;
    uint32_t source_bytes = 0;  // Lengths of the texts, if they are kept.
    uint32_t target_bytes = 0;
    float weight = 1.0F;
    uint64_t fingerprint = 0;  // If duplicates are to be left out.
    bool has_several_sentences = false;
  };
  std::vector<int32_t> ids;  // Of the kept pairs: source, target, source, target...
  std::string text;          // Likewise, if it is kept.
  std::vector<Pair> pairs;   // The kept ones.
  CorpusCounts counts;       // All but several_sentences.
};

class ChunkEncoder {
 public:
  ChunkEncoder(const TrainingCorpus& text, const TokenizerPair& tokenizers,
               const TokenizeOptions& options)
      : tokenizers_(tokenizers),
        options_(options),
        filters_(text.filter != PairFilter()),
        finds_duplicates_(text.filter.remove_duplicates),
        checker_(text.filter, options.source_language, options.target_language),
        prefix_(EncodePrefix(*tokenizers.source, text.source_prefix)) {}

  EncodedChunk Encode(const std::vector<SentencePair>& pairs) const {
    EncodedChunk chunk;
    chunk.pairs.reserve(pairs.size());
    SentenceSplitter splitter(options_.source_language);
    for (const SentencePair& pair : pairs) EncodePair(pair, splitter, &chunk);
    return chunk;
  }

 private:
  void EncodePair(const SentencePair& pair, SentenceSplitter& splitter, EncodedChunk* chunk) const {
    ++chunk->counts.read;
    if (pair.weight == 0) {
      ++chunk->counts.zero_weight;
      return;
    }
    const std::string source_text = tokenizers_.source->Normalize(pair.source);
    const std::string target_text = tokenizers_.target->Normalize(pair.target);
    if (source_text.empty() || target_text.empty()) {
      ++chunk->counts.empty;
      return;
    }
    if (tokenizers_.source->IsTooLong(source_text, options_.max_length) ||
        tokenizers_.target->IsTooLong(target_text, options_.max_length)) {
      ++chunk->counts.too_long;
      return;
    }
    if (filters_) {
      if (const auto problem = checker_.WhyLeftOut(pair)) {
        ++(problem == PairProblem::kBlank ? chunk->counts.empty
                                          : chunk->counts.filtered[static_cast<size_t>(*problem)]);
        return;
      }
    }
    std::vector<int32_t> source = tokenizers_.source->Encode(source_text);
    const std::vector<int32_t> target = tokenizers_.target->Encode(target_text);
    const auto longest = static_cast<size_t>(options_.max_length);
    if (source.empty() || target.empty()) {
      ++chunk->counts.empty;
      return;
    }
    source.insert(source.begin(), prefix_.begin(), prefix_.end());
    if (source.size() > longest || target.size() > longest) {
      ++chunk->counts.too_long;
      return;
    }
    chunk->ids.insert(chunk->ids.end(), source.begin(), source.end());
    chunk->ids.insert(chunk->ids.end(), target.begin(), target.end());
    const bool keeps_text = options_.keeps_text;
    if (keeps_text) chunk->text += source_text + target_text;
    chunk->pairs.push_back({.source = static_cast<uint32_t>(source.size()),
                            .target = static_cast<uint32_t>(target.size()),
                            .source_bytes = keeps_text ? Bytes(source_text) : 0,
                            .target_bytes = keeps_text ? Bytes(target_text) : 0,
                            .weight = pair.weight,
                            .fingerprint = finds_duplicates_ ? FingerprintsOf(pair).pair : 0,
                            .has_several_sentences = splitter.Split(source_text).size() > 1});
  }

  static uint32_t Bytes(const std::string& text) { return static_cast<uint32_t>(text.size()); }

  const TokenizerPair& tokenizers_;
  const TokenizeOptions& options_;
  bool filters_;
  bool finds_duplicates_;
  PairChecker checker_;
  std::vector<int32_t> prefix_;
};

// Passes the pairs of a chunk on, without those in `seen` if that is given, and counts them.
void PassOn(const EncodedChunk& chunk, const PairSink& sink, FingerprintSet* seen,
            CorpusCounts* counts) {
  counts->Add(chunk.counts);
  std::span<const int32_t> left(chunk.ids);
  std::string_view text_left(chunk.text);
  for (const EncodedChunk::Pair& pair : chunk.pairs) {
    const auto source = left.first(pair.source);
    const auto target = left.subspan(pair.source, pair.target);
    left = left.subspan(source.size() + target.size());
    const auto source_text = text_left.substr(0, pair.source_bytes);
    const auto target_text = text_left.substr(pair.source_bytes, pair.target_bytes);
    text_left.remove_prefix(source_text.size() + target_text.size());
    if (seen != nullptr && !seen->Insert(pair.fingerprint)) {
      ++counts->filtered[static_cast<size_t>(PairProblem::kDuplicate)];
      continue;
    }
    if (pair.has_several_sentences) ++counts->several_sentences;
    sink({.source = source,
          .target = target,
          .weight = pair.weight,
          .source_text = source_text,
          .target_text = target_text});
  }
}

// Shows the megabytes read from the files and the pairs per second.
class TokenizingProgress {
 public:
  TokenizingProgress(const std::string& name, int64_t file_bytes)
      : bar_("tokenizing " + name, (file_bytes + kMegabyte - 1) / kMegabyte),
        start_(std::chrono::steady_clock::now()) {}

  void Update(int64_t bytes, int64_t pairs) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    const auto speed =
        static_cast<int64_t>(static_cast<double>(pairs) / std::max(elapsed.count(), 1e-3));
    bar_.Update(bytes / kMegabyte, fmt::format("MB, {} pairs, {} pairs/s", WithThousands(pairs),
                                               WithThousands(speed)));
  }

 private:
  static constexpr int64_t kMegabyte = 1'000'000;
  ProgressBar bar_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

int64_t CorpusCounts::kept() const {
  return read - empty - too_long - zero_weight -
         std::accumulate(filtered.begin(), filtered.end(), int64_t{0});
}

void CorpusCounts::Add(const CorpusCounts& other) {
  read += other.read;
  empty += other.empty;
  too_long += other.too_long;
  zero_weight += other.zero_weight;
  several_sentences += other.several_sentences;
  for (size_t i = 0; i < filtered.size(); ++i) filtered[i] += other.filtered[i];
}

std::string CorpusCounts::Summary(int64_t max_length) const {
  std::string text = fmt::format("{}: {} used", Counted(read, "pair"), WithThousands(kept()));
  if (empty > 0) text += fmt::format(", {} skipped with a blank side", WithThousands(empty));
  if (too_long > 0) {
    text += fmt::format(", {} skipped over {} tokens", WithThousands(too_long), max_length);
  }
  if (zero_weight > 0) text += fmt::format(", {} skipped of weight 0", WithThousands(zero_weight));
  for (size_t i = 0; i < filtered.size(); ++i) {
    if (filtered[i] == 0) continue;
    text += fmt::format(", {} filtered as {}", WithThousands(filtered[i]),
                        NameOf(static_cast<PairProblem>(i)));
  }
  return text;
}

CorpusCounts TokenizeCorpus(const TrainingCorpus& text, const TokenizerPair& tokenizers,
                            const TokenizeOptions& options, const PairSink& sink) {
  ParallelReader reader(text.files, InvalidUtf8::kRefuse, text.weights);
  TokenizingProgress progress(options.name, FileBytes(text));
  const ChunkEncoder encoder(text, tokenizers, options);
  FingerprintSet seen;
  CorpusCounts counts;
  WorkInOrder<EncodedChunk> work(options.num_threads, [&](const EncodedChunk& encoded) {
    PassOn(encoded, sink, text.filter.remove_duplicates ? &seen : nullptr, &counts);
    progress.Update(reader.bytes_read(), counts.read);
  });
  std::vector<SentencePair> chunk;
  const auto encode_chunk = [&] {
    work.Add([&encoder, pairs = std::exchange(chunk, {})] { return encoder.Encode(pairs); });
  };
  size_t chunk_bytes = 0;
  for (SentencePair pair; reader.Next(&pair);) {
    if (options.on_pair) options.on_pair(pair);
    chunk_bytes += pair.source.size() + pair.target.size();
    chunk.push_back(std::move(pair));
    if (chunk.size() < kChunkPairs && chunk_bytes < kChunkBytes) continue;
    encode_chunk();
    chunk_bytes = 0;
  }
  encode_chunk();
  work.Finish();
  SayWhichColumns(reader, text.files, options.name);
  if (counts.kept() == 0) {
    throw UsageError("{}: no usable sentence pair: {}", options.name,
                     counts.read == 0 ? "the files are empty" : counts.Summary(options.max_length));
  }
  return counts;
}

}  // namespace wavemt
