#include "evaluation/translation_edits.h"

#include <algorithm>
#include <tuple>

namespace wavemt {
namespace {

// The limits of Tercom; the last one is sacreBLEU's.
constexpr int64_t kLongestRun = 10;
constexpr int64_t kFarthestRun = 50;
constexpr int64_t kMaxCandidates = 1000;

template <typename T>
int64_t Size(const T& container) {
  return static_cast<int64_t>(container.size());
}

bool AnyIn(const std::vector<uint8_t>& flags, int64_t begin, int64_t length) {
  return std::any_of(flags.begin() + begin, flags.begin() + begin + length,
                     [](uint8_t flag) { return flag != 0; });
}

}  // namespace

bool TranslationEdits::Move::IsBetterThan(const Move& other) const {
  return std::tuple(saved, length, -start, -target) >
         std::tuple(other.saved, other.length, -other.start, -other.target);
}

int64_t TranslationEdits::Count(std::span<const uint32_t> hypothesis,
                                std::span<const uint32_t> reference) {
  if (reference.empty()) return Size(hypothesis);
  if (hypothesis.empty()) return Size(reference);
  reference_ = reference;
  words_.assign(hypothesis.begin(), hypothesis.end());
  candidates_ = 0;
  edit_distance_.SetReference(reference, hypothesis.size());
  int64_t distance = edit_distance_.Set(words_);
  int64_t moves = 0;
  while (const std::optional<Move> best = FindBestMove(distance)) {
    // Like sacreBLEU, discard the move being searched for when the limit is reached.
    if (candidates_ >= kMaxCandidates || best->saved <= 0) break;
    MakeMove(*best, &moved_);
    words_.swap(moved_);
    ++moves;
    distance = edit_distance_.Set(words_);
  }
  return moves + distance;
}

std::optional<TranslationEdits::Move> TranslationEdits::FindBestMove(int64_t distance) {
  Align();
  std::optional<Move> best;
  for (int64_t start = 0; start < Size(words_); ++start) {
    const int64_t last = std::min(Size(reference_) - 1, start + kFarthestRun);
    for (int64_t r = std::max<int64_t>(0, start - kFarthestRun); r <= last; ++r) {
      const int64_t longest = std::min({kLongestRun, Size(words_) - start, Size(reference_) - r});
      for (int64_t length = 1; length <= longest; ++length) {
        if (words_[static_cast<size_t>(start + length - 1)] !=
            reference_[static_cast<size_t>(r + length - 1)]) {
          break;
        }
        const Move run = {.start = start, .length = length};
        if (!IsWorthTrying(run, r)) continue;
        TryMoves(run, r, distance, &best);
        if (candidates_ >= kMaxCandidates) return best;
      }
    }
  }
  return best;
}

// Whether both the run and its target in the reference contain errors, and the run is not aligned
// with that target already.
bool TranslationEdits::IsWorthTrying(const Move& run, int64_t reference_start) const {
  const int64_t aligned = aligned_[static_cast<size_t>(reference_start)];
  return AnyIn(word_is_wrong_, run.start, run.length) &&
         AnyIn(reference_word_is_wrong_, reference_start, run.length) &&
         !(run.start <= aligned && aligned < run.start + run.length);
}

// Measures moving `run` after each word that is aligned with its target in the reference, or with
// the word before the target.
void TranslationEdits::TryMoves(const Move& run, int64_t reference_start, int64_t distance,
                                std::optional<Move>* best) {
  int64_t previous_target = -1;
  for (int64_t offset = -1; offset < run.length; ++offset) {
    const int64_t r = reference_start + offset;
    if (r >= Size(reference_)) break;
    Move move = run;
    move.target = r == -1 ? 0 : aligned_[static_cast<size_t>(r)] + 1;
    if (move.target == previous_target) continue;
    previous_target = move.target;
    MakeMove(move, &moved_);
    move.saved = distance - DistanceOfMoved(distance);
    ++candidates_;
    if (!*best || move.IsBetterThan(**best)) *best = move;
  }
}

// The edit distance of moved_, given that of words_.
int64_t TranslationEdits::DistanceOfMoved(int64_t distance) {
  const auto first = std::mismatch(words_.begin(), words_.end(), moved_.begin()).first;
  if (first == words_.end()) return distance;
  const auto last = std::mismatch(words_.rbegin(), words_.rend(), moved_.rbegin()).first;
  return edit_distance_.OfChanged(moved_, static_cast<size_t>(first - words_.begin()),
                                  static_cast<size_t>(last.base() - words_.begin()));
}

void TranslationEdits::Align() {
  edit_distance_.Trace(&edits_);
  aligned_.clear();
  word_is_wrong_.clear();
  reference_word_is_wrong_.clear();
  for (const EditDistance::Edit edit : edits_) {
    const bool wrong = edit != EditDistance::kKeep;
    if (edit != EditDistance::kInsert) word_is_wrong_.push_back(wrong);
    if (edit != EditDistance::kDelete) {
      aligned_.push_back(Size(word_is_wrong_) - 1);
      reference_word_is_wrong_.push_back(wrong);
    }
  }
}

void TranslationEdits::MakeMove(const Move& move, std::vector<uint32_t>* words) const {
  *words = words_;
  const auto begin = words->begin();
  if (move.target < move.start) {
    std::rotate(begin + move.target, begin + move.start, begin + move.start + move.length);
  } else {
    // As in Tercom, a target inside the run is relative to the end of the run.
    const int64_t end =
        move.target > move.start + move.length ? move.target : move.target + move.length;
    std::rotate(begin + move.start, begin + move.start + move.length,
                begin + std::min(end, Size(*words)));
  }
}

}  // namespace wavemt
