#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "distributed/rendezvous.h"

namespace wavemt {

/// A sum over all ranks that is still in progress, in other threads or on a GPU.
class PendingSum {
 public:
  using Clock = std::chrono::steady_clock;

  PendingSum();
  ~PendingSum();
  PendingSum(PendingSum&&) noexcept;
  PendingSum& operator=(PendingSum&&) noexcept;

  /// Waits until the tensor holds the sum; on a GPU, only lets later work there wait. Throws the
  /// failure of World::Sum().
  void Wait();
  /// When the sum was complete; nothing if it is not, or on a GPU.
  std::optional<Clock::time_point> finished() const;

 private:
  friend class World;
  struct State;
  std::shared_ptr<State> state_;  // Null: there is nothing to wait for.
};

/// The processes that train one model together, "ranks" numbered from 0, over PyTorch's c10d: Gloo
/// on the CPU and NCCL on GPUs. Every function that exchanges something must be called by all ranks
/// in the same order. With one process each of them returns at once and changes nothing.
///
/// Whenever another process has died, a function that waits for it throws a failure that names it
/// within a minute.
class World {
 public:
  struct Options {
    torch::Device device = torch::kCPU;  // Of the tensors that Sum() and Broadcast() take.
    /// How long to wait for processes that start later.
    std::chrono::seconds patience{300};
  };

  /// The only process of a training.
  World();
  /// Meets the other processes. Logs where. A usage error if this build cannot do it, or if what
  /// the environment says is wrong; a failure if some do not come in time.
  static std::shared_ptr<World> Join(const Rendezvous& rendezvous, const Options& options);
  /// If Leave() was not called, tells the others to end.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_alone() const { return size_ == 1; }
  /// "rank 1 on node7"
  const std::string& NameOf(int rank) const;
  /// Whether this is the rank that writes files and prints.
  bool is_first() const { return rank_ == 0; }

  /// Replaces `tensor`, which is dense and has the same shape on all ranks, by the sum over them,
  /// which has the same bits on all. Throws a failure if a rank has left.
  void Sum(const torch::Tensor& tensor);
  /// The same, without waiting. `tensor` must not be used before Wait().
  PendingSum BeginSum(const torch::Tensor& tensor);
  /// Replaces `tensor` by that of rank `from`.
  void Broadcast(const torch::Tensor& tensor, int from = 0);

  /// The texts of all ranks, in their order.
  std::vector<std::string> Gather(std::string_view text);
  /// The text of rank 0.
  std::string FromFirst(std::string_view text);
  /// The largest of all ranks' numbers.
  int64_t Max(int64_t number);
  /// Whether it is true on any rank.
  bool AnyOf(bool value) { return Max(value ? 1 : 0) != 0; }

  /// Does work that may fail, and in which ranks do not exchange anything. If it fails on one rank,
  /// then on all: the message of the first of them names the rank, and only rank 0 prints it.
  void Together(const std::function<void()>& work);
  /// The same for work that only rank 0 does, while the others wait for it.
  void OnFirst(const std::function<void()>& work);

  /// Whether another process has been lost. Nothing can be exchanged any more: Together() and
  /// OnFirst() then do their work without the others, all else throws.
  bool is_broken() const;

  /// Ends the work together: all ranks have come to their end.
  void Leave();

 private:
  friend class PendingSum;
  struct Group;

  World(const Rendezvous& rendezvous, const Options& options);
  PendingSum Begin(const torch::Tensor& tensor, bool is_control, bool is_max);
  // All ranks know that this is the end.
  void EndTogether();
  [[noreturn]] void ThrowLost(const std::exception& error);

  int rank_ = 0;
  int size_ = 1;
  std::unique_ptr<Group> group_;  // Null for one process.
};

}  // namespace wavemt
