#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace wavemt {

/// A pair as the cutter sees it. 12 bytes, so that ten million pairs take 120 MB.
struct PairRow {
  uint32_t source = 0;  // Lengths in tokens, including </s>.
  uint32_t target = 0;
  uint32_t pair = 0;
};

/// Cuts a corpus into full batches of pairs of similar lengths.
///
/// A set of pairs that needs more than two batches is split in two by the length of one side, as in
/// a k-d tree (Bentley 1975). The longer pairs are packed into full batches first; their remainder,
/// less than a batch, joins the shorter pairs. So only the last remainder does not fill a batch. Of
/// all splits of both sides, the one that saves the most padding is chosen, as in the trees of ray
/// tracers (MacDonald and Booth 1990), but after each saving is multiplied by a random factor, so
/// that the splits differ from pass to pass.
class BatchCutter {
 public:
  /// A batch holds at most `batch_tokens` target tokens, including padding, and twice as many
  /// source tokens. A pair that exceeds this on its own is a batch of its own.
  ///
  /// REQUIRES: batch_tokens >= 1.
  BatchCutter(int64_t batch_tokens, uint64_t seed);

  /// Reorders the rows by batch and returns the end of each batch. The result does not depend on
  /// PairRow::pair, so if the rows are in random order, it is random which pairs of equal lengths
  /// share a batch.
  std::vector<uint64_t> Cut(std::span<PairRow> rows);

 private:
  enum class Side { kSource, kTarget };
  // The size of a set of pairs as one padded batch.
  struct Extent {
    uint64_t rows = 0;
    uint32_t source = 0;
    uint32_t target = 0;

    void Add(const Extent& other);
    uint64_t Cost() const;
  };
  struct Split {
    Side side = Side::kTarget;
    uint32_t length = 0;  // The shortest length among the longer pairs.
  };

  struct Groups;

  // Splits are tried between at most this many groups of lengths per side. If the lengths span a
  // wide range, a group holds several lengths and the first splits are coarse.
  static constexpr uint32_t kGroups = 64;

  static uint32_t Length(const PairRow& row, Side side);
  bool Fits(const Extent& extent, uint64_t batches) const;
  size_t Pack(size_t begin, size_t end, Side side);
  size_t PackEqual(size_t begin, size_t end, const Extent& extent);
  size_t TakeBatch(size_t begin, size_t end, Side side);
  Split BestSplit(std::span<const PairRow> rows, const Extent& shortest, const Extent& longest);
  size_t LongerFirst(size_t begin, size_t end, const Split& split);
  void BalanceLastTwoBatches();

  uint64_t target_budget_;
  uint64_t source_budget_;
  std::mt19937_64 generator_;
  std::span<PairRow> rows_;
  std::vector<uint64_t> ends_;
};

}  // namespace wavemt
