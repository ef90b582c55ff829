#pragma once

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
/// Other exceptions pass through.
bool FitsMemory(const std::function<void()>& work);

/// Work that can be done in halves where memory is short. `Piece` is a batch, or what is left of
/// one after halving.
template <typename Piece>
struct HalvableWork {
  /// Does the work of one piece.
  std::function<void(const Piece&)> work;
  /// Takes a piece that does not fit the memory apart. Throws the error to report where the piece
  /// cannot be halved.
  std::function<std::pair<Piece, Piece>(const Piece&)> halve;
  /// True for a piece that is known not to fit, so that no attempt is made. May be empty.
  std::function<bool(const Piece&)> is_too_large{};
  /// For work that leaves traces when it fails: undoes all of it, and the work begins again with
  /// the first piece. Empty: the work goes on with the two halves.
  std::function<void()> start_over{};
};

/// Does the work of all `pieces` in order, halving those that do not fit the memory as often as
/// needed. Returns the pieces that the work was finally done in.
template <typename Piece>
std::vector<Piece> WorkInHalves(std::vector<Piece> pieces, const HalvableWork<Piece>& job) {
  size_t num_tried = 0;  // The first `num_tried` pieces are known to fit.
  for (size_t i = 0; i < pieces.size();) {
    const bool known = i >= num_tried && job.is_too_large && job.is_too_large(pieces[i]);
    if (!known && FitsMemory([&] { job.work(pieces[i]); })) {
      ++i;
      num_tried = num_tried < i ? i : num_tried;
      continue;
    }
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
