#include "data/cached_corpus.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "support/error.h"

namespace wavemt {
namespace {

// Only the beginning of every kStride-th pair is stored; lengths are added up from there. That
// takes few bytes per pair and few additions.
constexpr uint64_t kStride = 32;

// The kernel maps up to 64 KiB around each address that is read. Releasing them after this many
// sentences limits that to 128 MiB, whatever the size of the corpus.
constexpr int64_t kReleaseEvery = 2048;

}  // namespace

CachedCorpus::CachedCorpus(std::unique_ptr<const CorpusCacheFile> file, const Limits& limits)
    : file_(std::move(file)),
      limits_(limits),
      ids_(file_->ids()),
      lengths_bytes_(file_->ReadLengths()),
      lengths_(lengths_bytes_, file_->length_width()),
      weights_(file_->ReadWeights()) {
  begins_.reserve(lengths_.size() / 2 / kStride + 1);
  uint64_t begin = 0;
  uint64_t longest = 0;
  for (uint64_t i = 0; i < lengths_.size(); ++i) {
    if (i % (2 * kStride) == 0) begins_.push_back(begin);
    begin += lengths_[i];
    longest = std::max<uint64_t>(longest, lengths_[i]);
  }
  if (begin != ids_.size() || longest > static_cast<uint64_t>(limits_.max_length) ||
      file_->counts().kept() != size() || size() == 0) {
    throw Failure("{}: is damaged: its lengths are not those of its sentences",
                  file_->path().string());
  }
  const auto is_weight = [](float weight) { return weight > 0 && std::isfinite(weight); };
  if (!std::ranges::all_of(weights_, is_weight)) {
    throw Failure("{}: is damaged: it holds a weight that is not possible", file_->path().string());
  }
  FindTexts();
}

void CachedCorpus::FindTexts() {
  constexpr uint64_t kBlockSize = uint64_t{1} << 20;
  const uint64_t size_of_text = file_->text().size();
  if (size_of_text == 0) return;
  uint64_t num_texts = 0;
  uint64_t next_text = 0;
  std::vector<char> block;
  for (uint64_t begin = 0; begin < size_of_text; begin += block.size()) {
    block.resize(std::min(kBlockSize, size_of_text - begin));
    file_->ReadText(begin, block);
    for (uint64_t i = 0; i < block.size(); ++i) {
      if (block[i] != '\n') continue;
      if (num_texts % (2 * kStride) == 0) text_begins_.push_back(next_text);
      ++num_texts;
      next_text = begin + i + 1;
    }
  }
  if (next_text != size_of_text || num_texts != 2 * static_cast<uint64_t>(size())) {
    throw Failure("{}: is damaged: its text is not that of its pairs", file_->path().string());
  }
}

PairLengths CachedCorpus::lengths(int64_t pair) const {
  const uint64_t index = 2 * static_cast<uint64_t>(pair);
  return {.source = lengths_[index], .target = lengths_[index + 1]};
}

uint64_t CachedCorpus::Begin(int64_t pair) const {
  const uint64_t nearest = static_cast<uint64_t>(pair) / kStride;
  uint64_t begin = begins_[nearest];
  for (uint64_t i = 2 * kStride * nearest; i < 2 * static_cast<uint64_t>(pair); ++i) {
    begin += lengths_[i];
  }
  return begin;
}

std::vector<int32_t> CachedCorpus::source(int64_t pair) const {
  return Sentence(Begin(pair), lengths(pair).source, limits_.source_vocab_size);
}

std::vector<int32_t> CachedCorpus::target(int64_t pair) const {
  const PairLengths both = lengths(pair);
  return Sentence(Begin(pair) + static_cast<uint64_t>(both.source), both.target,
                  limits_.target_vocab_size);
}

PairText CachedCorpus::text(int64_t pair) const {
  const auto number = static_cast<uint64_t>(pair);
  std::string_view rest = file_->text().substr(text_begins_[number / kStride]);
  const auto take = [&] {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    return line;
  };
  for (uint64_t i = 0; i < 2 * (number % kStride); ++i) take();
  PairText text{.source = std::string(take()), .target = std::string(take())};
  CountRead();
  return text;
}

void CachedCorpus::CountRead() const {
  if (++sentences_read_ % kReleaseEvery == 0) file_->Release();
}

std::vector<int32_t> CachedCorpus::Sentence(uint64_t begin, int64_t length,
                                            int64_t vocab_size) const {
  std::vector<int32_t> ids(static_cast<size_t>(length));
  uint32_t largest = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t id = ids_[begin + i];
    largest = std::max(largest, id);
    ids[i] = static_cast<int32_t>(id);
  }
  if (largest >= vocab_size) {
    throw Failure("{}: is damaged: it holds the token {}, the vocabulary has {}; remove the file",
                  file_->path().string(), largest, vocab_size);
  }
  CountRead();
  return ids;
}

}  // namespace wavemt
