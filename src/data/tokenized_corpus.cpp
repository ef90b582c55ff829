#include "data/tokenized_corpus.h"

#include <numeric>

namespace wavemt {

std::vector<uint32_t> TokenizedCorpus::PairsOfEpoch(int64_t /*epoch*/, uint64_t /*seed*/) const {
  std::vector<uint32_t> pairs(static_cast<size_t>(size()));
  std::iota(pairs.begin(), pairs.end(), 0U);
  return pairs;
}

float TokenizedCorpus::weight(int64_t /*pair*/) const { return 1.0F; }

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
  if (weight != 1.0F && weights_.empty()) weights_.assign(source_.ends.size(), 1.0F);
  if (weight != 1.0F || !weights_.empty()) weights_.push_back(weight);
  source_.Add(source);
  target_.Add(target);
  AddPair({.source = source, .target = target, .weight = weight}, &checksum_);
}

}  // namespace wavemt
