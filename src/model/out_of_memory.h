#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

namespace wavemt {

/// True for the exceptions that LibTorch's allocators, CUDA's libraries and the C++ library throw
/// when memory runs out.
bool IsOutOfMemory(const std::exception& error);

/// Runs `work` and returns true, or false if memory ran out. In that case everything that `work`
/// had allocated has been returned to the system or the GPU, so that a smaller task can be tried.
/// Other exceptions are passed on.
bool FitsMemory(const std::function<void()>& work);

/// Work that can be split into halves when memory is short. `Piece` is a batch, or a fraction of
/// one after splitting.
template <typename Piece>
struct HalvableWork {
  /// Does the work of one piece.
  std::function<void(const Piece&)> work;
  /// Splits a piece that does not fit in memory. If the piece cannot be split, throws the error to
  /// report.
  std::function<std::pair<Piece, Piece>(const Piece&)> halve;
  /// Whether a piece is known not to fit, so that it need not be tried. May be empty.
  std::function<bool(const Piece&)> is_too_large{};
  /// For work with side effects that remain when it fails: undoes all of it, and the work starts
  /// over with the first piece. If empty, the work continues with the two halves.
  std::function<void()> start_over{};
};

/// Does the work of all `pieces` in order, splitting those that do not fit in memory as often as
/// needed. Returns the final pieces.
template <typename Piece>
std::vector<Piece> WorkInHalves(std::vector<Piece> pieces, const HalvableWork<Piece>& job) {
  size_t num_tried = 0;  // The first `num_tried` pieces are known to fit.
  for (size_t i = 0; i < pieces.size();) {
    const bool known = i >= num_tried && job.is_too_large && job.is_too_large(pieces[i]);
    if (!known && FitsMemory([&] { job.work(pieces[i]); })) {
      ++i;
      num_tried = std::max(num_tried, i);
      continue;
    }
    num_tried = std::min(num_tried, i);
    auto [first, second] = job.halve(pieces[i]);
    pieces[i] = std::move(first);
    pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(second));
    if (!known && job.start_over) {
      job.start_over();
      i = 0;
    }
  }
  return pieces;
}

}  // namespace wavemt
