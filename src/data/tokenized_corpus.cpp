#include "data/tokenized_corpus.h"

namespace wavemt {

void AddPair(std::span<const int32_t> source, std::span<const int32_t> target, Crc32* checksum) {
  const PairLengths lengths = {.source = static_cast<int64_t>(source.size()),
                               .target = static_cast<int64_t>(target.size())};
  checksum->Add(&lengths, sizeof(lengths));
  checksum->Add(source.data(), source.size_bytes());
  checksum->Add(target.data(), target.size_bytes());
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

void MemoryCorpus::Add(std::span<const int32_t> source, std::span<const int32_t> target) {
  source_.Add(source);
  target_.Add(target);
  AddPair(source, target, &checksum_);
}

}  // namespace wavemt
