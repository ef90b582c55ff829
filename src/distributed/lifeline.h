#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

namespace wavemt {

/// Tells the processes of a training when one of them has died. A collective operation may rightly
/// wait for hours, for example while rank 0 writes a checkpoint to a slow disk, so waiting long is
/// no sign of death. Instead, a thread of each process counts up a number in the shared store, and
/// watches: rank 0 the numbers of all others, all others that of rank 0.
class Lifeline {
 public:
  struct Options {
    int rank = 0;
    int size = 1;
    std::vector<std::string> names;  // Of each rank, for people: "rank 1 on node7".
    /// How long a number may stand still, and the store be silent.
    std::chrono::seconds patience{30};
    /// Called in a thread of the lifeline when another process has been lost and this one has been
    /// waiting (see Wait) for it for some seconds since. Must not return.
    std::function<void(const std::string& reason)> give_up{};
  };

  /// `store` is used by this object alone: other uses of the same connection may block.
  Lifeline(c10::intrusive_ptr<c10d::Store> store, Options options);
  /// Stops watching and being watched.
  ~Lifeline();
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  /// All processes end together: without this, the end of this object tells the others to end.
  void LeaveQuietly();

  /// Whether a rank has left. `store`: as for the constructor.
  static bool HasLeft(c10d::Store& store, int rank);

  /// Why this process must end; waits for a reason for at most `wait`.
  std::optional<std::string> ReasonToEnd(std::chrono::seconds wait);

  /// Exists while this process waits for others in an operation that may never end.
  class Wait {
   public:
    explicit Wait(Lifeline& lifeline);
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

   private:
    Lifeline& lifeline_;
  };

 private:
  // A thread that talks to the store may be stuck there when the machine of the store has gone, and
  // is then left to itself. So both threads own what they use.
  struct Shared;
  static void Beat(const std::shared_ptr<Shared>& shared);
  static void Judge(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  std::thread beating_;
  std::thread judging_;
};

}  // namespace wavemt
