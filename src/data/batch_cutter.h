#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace wavemt {

/// A pair as the cutter sees it: 12 bytes, so that ten million are cut in 120 MB.
struct PairRow {
  uint32_t source = 0;  // Lengths with </s>.
  uint32_t target = 0;
  uint32_t pair = 0;
};

/// Cuts a corpus into batches that are full and hold pairs of like lengths.
///
/// While a set of pairs is worth more than two batches it is cut in two by the length of one side,
/// as a k-d tree is (Bentley 1975). The longer part is packed into full batches first. What is left
/// of it, less than a batch, goes to the shorter part. So only what is left of all pairs does not
/// fill a batch. Of all cuts across both sides the one is taken that saves the most padding, as in
/// the trees of ray tracers (MacDonald and Booth 1990), but each cut's saving is first multiplied
/// by a random number: the borders of two passes differ.
class BatchCutter {
 public:
  /// A batch holds at most `batch_tokens` target places, padding included, and twice as many source
  /// places. A pair that is longer alone is a batch of its own.
  /// REQUIRES: batch_tokens >= 1.
  BatchCutter(int64_t batch_tokens, uint64_t seed);

  /// Reorders the rows, batch after batch, and returns where each batch ends. Pairs of equal
  /// lengths meet at random if the rows come in random order: no decision looks at `pair`.
  std::vector<uint64_t> Cut(std::span<PairRow> rows);

 private:
  enum class Side { kSource, kTarget };
  // What a set of pairs needs: every row is as long as the longest one.
  struct Extent {
    uint64_t rows = 0;
    uint32_t source = 0;
    uint32_t target = 0;

    void Add(const Extent& other);
    uint64_t Cost() const;
  };
  struct Border {
    Side side = Side::kTarget;
    uint32_t length = 0;  // The shortest length of the longer part.
  };

  struct Groups;

  // Borders are looked for between at most this many groups of lengths a side: between any two
  // lengths where they differ little, in coarse steps at first where they differ much.
  static constexpr uint32_t kGroups = 64;

  static uint32_t Length(const PairRow& row, Side side);
  bool Fits(const Extent& extent, uint64_t batches) const;
  size_t Pack(size_t begin, size_t end, Side side);
  size_t PackEqual(size_t begin, size_t end, const Extent& extent);
  size_t TakeBatch(size_t begin, size_t end, Side side);
  Border BestBorder(std::span<const PairRow> rows, const Extent& shortest, const Extent& longest);
  size_t LongerFirst(size_t begin, size_t end, const Border& border);
  void ShareTheRest();

  uint64_t most_target_;
  uint64_t most_source_;
  std::mt19937_64 generator_;
  std::span<PairRow> rows_;
  std::vector<uint64_t> ends_;
};

}  // namespace wavemt
