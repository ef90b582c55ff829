#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "evaluation/edit_distance.h"

namespace wavemt {

/// Counts the edits that turn a hypothesis into a reference, where moving a run of words counts as
/// one edit (Snover et al. 2006). The best move is applied repeatedly as long as it saves edits;
/// then the remaining words are inserted, deleted and replaced. Limits and tie-breaking are those
/// of sacreBLEU, which follows Tercom. Words are represented by numbers.
class TranslationEdits {
 public:
  int64_t Count(std::span<const uint32_t> hypothesis, std::span<const uint32_t> reference);

 private:
  // Moves hypothesis[start, start + length), a run that also occurs in the reference, to before
  // `target`.
  struct Move {
    int64_t saved = 0;  // Edits.
    int64_t start = 0;
    int64_t length = 0;
    int64_t target = 0;

    bool IsBetterThan(const Move& other) const;
  };
  std::optional<Move> FindBestMove(int64_t distance);
  void TryMoves(const Move& run, int64_t reference_start, int64_t distance,
                std::optional<Move>* best);
  bool IsWorthTrying(const Move& run, int64_t reference_start) const;
  int64_t DistanceOfMoved(int64_t distance);
  void Align();
  void MakeMove(const Move& move, std::vector<uint32_t>* words) const;

  std::span<const uint32_t> reference_;
  std::vector<uint32_t> words_;  // The hypothesis after the moves made so far.
  int64_t candidates_ = 0;       // The number of moves measured so far.
  EditDistance edit_distance_;

  // The alignment of words_ with the reference.
  std::vector<EditDistance::Edit> edits_;
  std::vector<int64_t> aligned_;  // For each reference word: its word, or the last one before.
  std::vector<uint8_t> word_is_wrong_;
  std::vector<uint8_t> reference_word_is_wrong_;
  std::vector<uint32_t> moved_;  // Scratch.
};

}  // namespace wavemt
