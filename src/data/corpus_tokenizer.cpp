#include "data/corpus_tokenizer.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <utility>
#include <vector>

#include "data/corpus.h"
#include "data/corpus_origin.h"
#include "data/sentence_splitter.h"
#include "support/error.h"
#include "support/progress.h"

namespace wavemt {
namespace {

// Chunks are large enough to make the cost of starting a thread negligible, and small enough for
// many of them to take little memory, however long the lines are.
constexpr size_t kChunkPairs = 2000;
constexpr size_t kChunkBytes = 4 << 20;

struct EncodedChunk {
  std::vector<int32_t> ids;       // Of the kept pairs: source, target, source, target...
  std::vector<uint32_t> lengths;  // Two per kept pair.
  CorpusCounts counts;
};

class ChunkEncoder {
 public:
  ChunkEncoder(const TokenizerPair& tokenizers, const TokenizeOptions& options)
      : tokenizers_(tokenizers), options_(options) {}

  EncodedChunk Encode(const std::vector<SentencePair>& pairs) const {
    EncodedChunk chunk;
    chunk.lengths.reserve(2 * pairs.size());
    SentenceSplitter splitter(options_.source_language);
    for (const SentencePair& pair : pairs) EncodePair(pair, splitter, &chunk);
    return chunk;
  }

 private:
  void EncodePair(const SentencePair& pair, SentenceSplitter& splitter, EncodedChunk* chunk) const {
    ++chunk->counts.read;
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
    const std::vector<int32_t> source = tokenizers_.source->Encode(source_text);
    const std::vector<int32_t> target = tokenizers_.target->Encode(target_text);
    const auto longest = static_cast<size_t>(options_.max_length);
    if (source.empty() || target.empty()) {
      ++chunk->counts.empty;
    } else if (source.size() > longest || target.size() > longest) {
      ++chunk->counts.too_long;
    } else {
      if (splitter.Split(source_text).size() > 1) ++chunk->counts.several_sentences;
      for (const auto* ids : {&source, &target}) {
        chunk->ids.insert(chunk->ids.end(), ids->begin(), ids->end());
        chunk->lengths.push_back(static_cast<uint32_t>(ids->size()));
      }
    }
  }

  const TokenizerPair& tokenizers_;
  const TokenizeOptions& options_;
};

void PassOn(const EncodedChunk& chunk, const PairSink& sink) {
  std::span<const int32_t> left(chunk.ids);
  for (size_t i = 0; i < chunk.lengths.size(); i += 2) {
    const auto source = left.first(chunk.lengths[i]);
    const auto target = left.subspan(source.size(), chunk.lengths[i + 1]);
    left = left.subspan(source.size() + target.size());
    sink(source, target);
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

std::string CorpusCounts::Summary(int64_t max_length) const {
  std::string text = fmt::format("{} pairs: {} used", WithThousands(read), WithThousands(kept()));
  if (empty > 0) text += fmt::format(", {} skipped with a blank side", WithThousands(empty));
  if (too_long > 0) {
    text += fmt::format(", {} skipped over {} tokens", WithThousands(too_long), max_length);
  }
  return text;
}

CorpusCounts TokenizeCorpus(const ParallelFiles& files, const TokenizerPair& tokenizers,
                            const TokenizeOptions& options, const PairSink& sink) {
  ParallelReader reader(files);
  TokenizingProgress progress(options.name, FileBytes(files));
  const ChunkEncoder encoder(tokenizers, options);
  CorpusCounts counts;
  // The chunks being encoded, in file order. One more than there are threads, so that all of them
  // are busy while this thread reads and writes.
  std::deque<std::future<EncodedChunk>> work;
  const size_t max_chunks = static_cast<size_t>(std::max(options.num_threads, 1)) + 1;
  const auto finish_oldest = [&] {
    const EncodedChunk encoded = work.front().get();
    work.pop_front();
    PassOn(encoded, sink);
    counts.read += encoded.counts.read;
    counts.empty += encoded.counts.empty;
    counts.too_long += encoded.counts.too_long;
    counts.several_sentences += encoded.counts.several_sentences;
    progress.Update(reader.bytes_read(), counts.read);
  };
  std::vector<SentencePair> chunk;
  const auto encode_chunk = [&] {
    if (work.size() == max_chunks) finish_oldest();
    work.push_back(std::async(std::launch::async, [&encoder, pairs = std::exchange(chunk, {})] {
      return encoder.Encode(pairs);
    }));
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
  while (!work.empty()) finish_oldest();
  SayWhichColumns(reader, files, options.name);
  if (counts.kept() == 0) {
    throw UsageError("{}: no usable sentence pair: {}", options.name,
                     counts.read == 0 ? "the files are empty" : counts.Summary(options.max_length));
  }
  return counts;
}

}  // namespace wavemt
