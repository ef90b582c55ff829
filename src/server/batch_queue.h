#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "decoding/translation.h"

namespace wavemt {

/// Lines of many clients, translated together: one thread takes lines from the jobs in turn, and
/// hands each job its translations in order, as soon as they are there. Thread-safe but for Stop().
class BatchQueue {
 public:
  using Clock = std::chrono::steady_clock;
  /// Translates each line. Called by the queue's thread only. `stop_requested` becomes true once
  /// nobody waits for any of these lines any more; the function may then throw anything.
  using Translate = std::function<std::vector<TranslatedLine>(
      std::span<const std::string> lines, const std::function<bool()>& stop_requested)>;

  struct Options {
    size_t max_batch_lines = 64;
    /// Of source text in a batch of more than one line, so that no batch takes long.
    size_t max_batch_bytes = size_t{16} << 10;
    size_t max_waiting_lines = 10'000;
    /// Called by the queue's thread with the number of lines of each batch. May be empty.
    std::function<void(size_t)> on_batch{};
  };

  struct Job {
    std::vector<std::string> lines;
    /// Jobs with the same key share batches, so their `translate` must be interchangeable.
    std::string key;
    Translate translate;
    Clock::time_point deadline;
  };

  enum class Refused { kFull, kStopping };

  /// What arrived while a client waited.
  enum class Arrival {
    kLines,    // The next lines.
    kDone,     // There are no more: all have been handed out.
    kNothing,  // The time to wait is over.
    kExpired,  // The job's deadline is over; the rest of it is dropped.
  };

 private:
  struct State;
  struct Task;
  struct Batch;

 public:
  /// A job in the queue. Its destructor drops what has not been translated. May outlive the queue.
  class Ticket {
   public:
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    /// Waits until `until` at most. Lines are put at the end of `lines`. Throws what Translate
    /// threw for this job, after the lines that came before.
    Arrival Next(Clock::time_point until, std::vector<TranslatedLine>* lines);

   private:
    friend class BatchQueue;
    Ticket(std::shared_ptr<State> state, std::shared_ptr<Task> task);

    std::shared_ptr<State> state_;
    std::shared_ptr<Task> task_;
  };

  explicit BatchQueue(Options options);
  /// As Stop().
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  /// First come, first served; but a job of many lines gives way to others after each batch.
  std::variant<std::unique_ptr<Ticket>, Refused> Submit(Job job);

  /// Takes no more jobs, and returns when those that are there are done or past their deadlines.
  void Stop();

  /// Lines that no batch has taken yet.
  size_t lines_waiting() const;

 private:
  std::shared_ptr<State> state_;
  std::thread worker_;
};

}  // namespace wavemt
