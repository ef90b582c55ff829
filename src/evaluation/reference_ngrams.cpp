#include "evaluation/reference_ngrams.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace wavemt {
namespace {

constexpr uint32_t kEmptyNgram = 0;
constexpr size_t kInitialSize = 1024;
constexpr size_t kLargestKept = 16384;  // 384 KiB; a larger table would leave the cache.

}  // namespace

ReferenceNgrams::ReferenceNgrams(size_t max_order) : max_order_(max_order) { Resize(kInitialSize); }

void ReferenceNgrams::Resize(size_t size) {
  table_.assign(size, Ngram{});
  shift_ = 64 - std::countr_zero(size);
}

void ReferenceNgrams::Clear() {
  num_ngrams_ = 0;
  // Restart the numbering of calls of Add() well before it overflows.
  const bool start_again = added_ > std::numeric_limits<uint32_t>::max() / 2;
  if (start_again) added_ = 0;
  if (start_again || table_.size() > kLargestKept) Resize(kInitialSize);
  first_added_ = added_ + 1;
}

// The n-gram's slot, or the free slot where it would go. Multiplicative hashing (Knuth, 6.4).
ReferenceNgrams::Ngram& ReferenceNgrams::Find(uint32_t beginning, uint32_t symbol) {
  const uint64_t key = (static_cast<uint64_t>(beginning) << 32) | symbol;
  const size_t mask = table_.size() - 1;
  size_t i = (key * 0x9E3779B97F4A7C15U) >> shift_;
  while (table_[i].key != key && !IsFree(table_[i])) i = (i + 1) & mask;
  return table_[i];
}

ReferenceNgrams::Ngram& ReferenceNgrams::FindOrInsert(uint32_t beginning, uint32_t symbol) {
  Ngram* ngram = &Find(beginning, symbol);
  if (!IsFree(*ngram)) return *ngram;
  if (num_ngrams_ >= table_.size() / 2) {
    const std::vector<Ngram> old = std::move(table_);
    Resize(old.size() * 4);
    for (const Ngram& moved : old) {
      if (IsFree(moved)) continue;
      Find(static_cast<uint32_t>(moved.key >> 32), static_cast<uint32_t>(moved.key)) = moved;
    }
    ngram = &Find(beginning, symbol);
  }
  *ngram = {.key = (static_cast<uint64_t>(beginning) << 32) | symbol,
            .number = ++num_ngrams_,
            .added = added_};
  return *ngram;
}

void ReferenceNgrams::Add(std::span<const uint32_t> reference) {
  ++added_;
  for (size_t begin = 0; begin < reference.size(); ++begin) {
    const size_t end = std::min(begin + max_order_, reference.size());
    uint32_t beginning = kEmptyNgram;
    for (size_t i = begin; i < end; ++i) {
      Ngram& ngram = FindOrInsert(beginning, reference[i]);
      if (ngram.added != added_) {
        ngram.added = added_;
        ngram.recent = 0;
      }
      ngram.count = std::max(ngram.count, ++ngram.recent);
      beginning = ngram.number;
    }
  }
}

void ReferenceNgrams::TakeMatches(std::span<const uint32_t> hypothesis,
                                  std::span<int64_t> matches) {
  for (size_t begin = 0; begin < hypothesis.size(); ++begin) {
    const size_t end = std::min(begin + max_order_, hypothesis.size());
    uint32_t beginning = kEmptyNgram;
    for (size_t i = begin; i < end; ++i) {
      Ngram& ngram = Find(beginning, hypothesis[i]);
      if (IsFree(ngram)) break;
      if (ngram.count > 0) {
        --ngram.count;
        ++matches[i - begin];
      }
      beginning = ngram.number;
    }
  }
}

}  // namespace wavemt
