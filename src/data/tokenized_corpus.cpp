#include "data/tokenized_corpus.h"

#include <numeric>

#include "support/error.h"

namespace wavemt {

std::vector<uint32_t> TokenizedCorpus::PairsOfEpoch(int64_t /*epoch*/, uint64_t /*seed*/) const {
  std::vector<uint32_t> pairs(static_cast<size_t>(size()));
  std::iota(pairs.begin(), pairs.end(), 0U);
  return pairs;
}

float TokenizedCorpus::weight(int64_t /*pair*/) const { return 1.0F; }

PairText TokenizedCorpus::text(int64_t /*pair*/) const {
  throw Failure("the text of a corpus that keeps none was asked for");
}

void AddPair(const TokenizedPair& pair, Crc32* checksum) {
  const PairLengths lengths = {.source = static_cast<int64_t>(pair.source.size()),
                               .target = static_cast<int64_t>(pair.target.size())};
  checksum->Add(&lengths, sizeof(lengths));
  checksum->Add(pair.source.data(), pair.source.size_bytes());
  checksum->Add(pair.target.data(), pair.target.size_bytes());
  if (pair.weight != 1.0F) checksum->Add(&pair.weight, sizeof(pair.weight));
}

uint64_t MemoryCorpus::Side::Begin(int64_t pair) const {
  return pair == 0 ? 0 : ends[static_cast<size_t>(pair - 1)];
}

int64_t MemoryCorpus::Side::Length(int64_t pair) const {
  return static_cast<int64_t>(ends[static_cast<size_t>(pair)] - Begin(pair));
}

std::vector<int32_t> MemoryCorpus::Side::Sentence(int64_t pair) const {
  const auto begin = ids.begin() + static_cast<int64_t>(Begin(pair));
  return {begin, begin + Length(pair)};
}

void MemoryCorpus::Side::Add(std::span<const int32_t> sentence) {
  ids.insert(ids.end(), sentence.begin(), sentence.end());
  ends.push_back(ids.size());
}

PairLengths MemoryCorpus::lengths(int64_t pair) const {
  return {.source = source_.Length(pair), .target = target_.Length(pair)};
}

float MemoryCorpus::weight(int64_t pair) const {
  return weights_.empty() ? 1.0F : weights_[static_cast<size_t>(pair)];
}

void MemoryCorpus::Add(std::span<const int32_t> source, std::span<const int32_t> target,
                       float weight) {
  Add({.source = source, .target = target, .weight = weight});
}

void MemoryCorpus::Add(const TokenizedPair& pair) {
  if (pair.weight != 1.0F && weights_.empty()) weights_.assign(source_.ends.size(), 1.0F);
  if (pair.weight != 1.0F || !weights_.empty()) weights_.push_back(pair.weight);
  source_.Add(pair.source);
  target_.Add(pair.target);
  if (!pair.source_text.empty()) {
    for (const std::string_view side : {pair.source_text, pair.target_text}) {
      text_ += side;
      text_ends_.push_back(text_.size());
    }
  }
  AddPair(pair, &checksum_);
}

PairText MemoryCorpus::text(int64_t pair) const {
  const auto side = [this](size_t index) {
    const uint64_t begin = index == 0 ? 0 : text_ends_[index - 1];
    return text_.substr(begin, text_ends_[index] - begin);
  };
  const size_t index = 2 * static_cast<size_t>(pair);
  return {.source = side(index), .target = side(index + 1)};
}

}  // namespace wavemt
