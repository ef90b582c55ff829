#include "server/batch_queue.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <utility>

#include "support/error.h"

namespace wavemt {

// A job and how far it has come. State::mutex guards all of it but `job`, whose lines belong to the
// queue's thread once `next` has passed them, and `is_gone`.
struct BatchQueue::Task {
  explicit Task(Job submitted) : job(std::move(submitted)) {}

  size_t num_lines() const { return job.lines.size(); }
  // Nobody waits for its lines any more. May be asked without the mutex.
  bool IsAbandoned() const { return is_gone || Clock::now() >= job.deadline; }

  Job job;
  size_t next = 0;        // The first line that no batch has taken.
  size_t handed_out = 0;  // Lines that the client has got.
  std::vector<TranslatedLine> ready;
  std::exception_ptr error;
  std::atomic<bool> is_gone = false;
  std::condition_variable changed;
};

// Lines of one or several tasks with the same key.
struct BatchQueue::Batch {
  struct Part {
    std::shared_ptr<Task> task;
    size_t num_lines = 0;
  };

  std::vector<Part> parts;
  std::vector<std::string> lines;  // Those of the first part, then those of the second, ...
};

// What the queue, its thread and the tickets share.
struct BatchQueue::State {
  explicit State(Options given) : options(std::move(given)) {}

  void Work();
  // The next functions expect the mutex to be held.
  Batch TakeBatch();
  void DropAbandoned();
  void Remove(const std::shared_ptr<Task>& task);
  // And these that it is not.
  void TranslateBatch(const Batch& batch);
  // False, and the error goes to the only part, if it fails.
  bool TranslateParts(std::span<const Batch::Part> parts, std::span<const std::string> lines);
  static std::vector<TranslatedLine> Call(std::span<const Batch::Part> parts,
                                          std::span<const std::string> lines);
  void Deliver(const Batch::Part& part, std::span<TranslatedLine> translations);
  void Fail(const Batch::Part& part, const std::exception_ptr& error);

  const Options options;
  mutable std::mutex mutex;
  std::condition_variable work;
  std::deque<std::shared_ptr<Task>> waiting;  // Each has lines that no batch has taken.
  size_t lines_waiting = 0;
  bool stopping = false;
};

void BatchQueue::State::Work() {
  while (true) {
    Batch batch;
    {
      std::unique_lock lock(mutex);
      work.wait(lock, [&] { return stopping || !waiting.empty(); });
      DropAbandoned();
      if (waiting.empty() && stopping) return;
      if (waiting.empty()) continue;
      try {
        batch = TakeBatch();
      } catch (...) {
        // Out of memory, before anything was taken. The client waits for an answer.
        const std::shared_ptr<Task> task = waiting.front();
        Remove(task);
        task->error = std::current_exception();
        task->changed.notify_all();
        continue;
      }
    }
    TranslateBatch(batch);
  }
}

void BatchQueue::State::DropAbandoned() {
  std::erase_if(waiting, [&](const std::shared_ptr<Task>& task) {
    if (!task->IsAbandoned()) return false;
    lines_waiting -= task->num_lines() - task->next;
    task->changed.notify_all();
    return true;
  });
}

void BatchQueue::State::Remove(const std::shared_ptr<Task>& task) {
  if (std::erase(waiting, task) > 0) lines_waiting -= task->num_lines() - task->next;
}

BatchQueue::Batch BatchQueue::State::TakeBatch() {
  const size_t max_lines = std::max<size_t>(1, options.max_batch_lines);
  Batch batch;
  batch.lines.reserve(max_lines);
  for (const std::shared_ptr<Task>& task : waiting) {
    if (batch.parts.size() == max_lines) break;
    if (task->job.key == waiting.front()->job.key) batch.parts.push_back({.task = task});
  }
  // First each of them has its share; then the first ones fill the room that is left.
  const size_t share = std::max<size_t>(1, max_lines / batch.parts.size());
  size_t num_lines = 0;
  size_t bytes = 0;
  for (const size_t limit : {share, max_lines}) {
    for (Batch::Part& part : batch.parts) {
      const Task& task = *part.task;
      while (num_lines < max_lines && part.num_lines < limit &&
             task.next + part.num_lines < task.num_lines()) {
        const size_t size = task.job.lines[task.next + part.num_lines].size();
        if (num_lines > 0 && bytes + size > options.max_batch_bytes) break;
        bytes += size;
        ++num_lines;
        ++part.num_lines;
      }
    }
  }
  std::erase_if(batch.parts, [](const Batch::Part& part) { return part.num_lines == 0; });
  // Those that have more lines go to the end of the queue. Room for them is made first: from here
  // on nothing throws.
  std::deque<std::shared_ptr<Task>> rest;
  std::deque<std::shared_ptr<Task>> queue;
  for (const std::shared_ptr<Task>& task : waiting) {
    const auto part = std::ranges::find(batch.parts, task, &Batch::Part::task);
    if (part == batch.parts.end()) {
      queue.push_back(task);
    } else if (task->next + part->num_lines < task->num_lines()) {
      rest.push_back(task);
    }
  }
  queue.insert(queue.end(), rest.begin(), rest.end());
  waiting.swap(queue);
  lines_waiting -= num_lines;
  for (const Batch::Part& part : batch.parts) {
    Task& task = *part.task;
    const auto first = task.job.lines.begin() + static_cast<std::ptrdiff_t>(task.next);
    std::move(first, first + static_cast<std::ptrdiff_t>(part.num_lines),
              std::back_inserter(batch.lines));
    task.next += part.num_lines;
  }
  return batch;
}

std::vector<TranslatedLine> BatchQueue::State::Call(std::span<const Batch::Part> parts,
                                                    std::span<const std::string> lines) {
  std::vector<TranslatedLine> translations = parts.front().task->job.translate(lines, [parts] {
    return std::ranges::all_of(parts,
                               [](const Batch::Part& part) { return part.task->IsAbandoned(); });
  });
  if (translations.size() != lines.size()) {
    throw Failure("{} lines have {} translations", lines.size(), translations.size());
  }
  return translations;
}

void BatchQueue::State::TranslateBatch(const Batch& batch) {
  const std::span<const Batch::Part> parts = batch.parts;
  const std::span<const std::string> lines = batch.lines;
  if (parts.size() > 1 && TranslateParts(parts, lines)) return;
  // One of several may be to blame, so each is tried alone.
  size_t first = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    TranslateParts(parts.subspan(i, 1), lines.subspan(first, parts[i].num_lines));
    first += parts[i].num_lines;
  }
}

bool BatchQueue::State::TranslateParts(std::span<const Batch::Part> parts,
                                       std::span<const std::string> lines) {
  std::vector<TranslatedLine> translations;
  try {
    translations = Call(parts, lines);
    if (options.on_batch) options.on_batch(lines.size());
  } catch (...) {
    if (parts.size() == 1) Fail(parts.front(), std::current_exception());
    return false;
  }
  size_t first = 0;
  for (const Batch::Part& part : parts) {
    try {
      Deliver(part, std::span(translations).subspan(first, part.num_lines));
    } catch (...) {
      Fail(part, std::current_exception());
    }
    first += part.num_lines;
  }
  return true;
}

void BatchQueue::State::Deliver(const Batch::Part& part, std::span<TranslatedLine> translations) {
  const std::scoped_lock lock(mutex);
  Task& task = *part.task;
  if (task.is_gone) return;
  task.ready.reserve(task.ready.size() + translations.size());  // All of them, or none.
  std::ranges::move(translations, std::back_inserter(task.ready));
  task.changed.notify_all();
}

void BatchQueue::State::Fail(const Batch::Part& part, const std::exception_ptr& error) {
  const std::scoped_lock lock(mutex);
  Remove(part.task);
  part.task->error = error;
  part.task->changed.notify_all();
}

BatchQueue::Ticket::Ticket(std::shared_ptr<State> state, std::shared_ptr<Task> task)
    : state_(std::move(state)), task_(std::move(task)) {}

BatchQueue::Ticket::~Ticket() {
  task_->is_gone = true;  // Without the mutex as well: a search that is under way looks at it.
  const std::scoped_lock lock(state_->mutex);
  state_->Remove(task_);
}

BatchQueue::Arrival BatchQueue::Ticket::Next(Clock::time_point until,
                                             std::vector<TranslatedLine>* lines) {
  Task& task = *task_;
  std::unique_lock lock(state_->mutex);
  const auto is_done = [&] { return task.handed_out == task.num_lines(); };
  task.changed.wait_until(lock, std::min(until, task.job.deadline),
                          [&] { return !task.ready.empty() || task.error || is_done(); });
  if (!task.ready.empty()) {
    task.handed_out += task.ready.size();
    std::ranges::move(task.ready, std::back_inserter(*lines));
    task.ready.clear();
    return Arrival::kLines;
  }
  if (is_done()) return Arrival::kDone;
  // Before the error: a search that is stopped at the deadline throws.
  if (Clock::now() >= task.job.deadline) {
    task.is_gone = true;
    state_->Remove(task_);
    return Arrival::kExpired;
  }
  if (task.error) std::rethrow_exception(task.error);
  return Arrival::kNothing;
}

BatchQueue::BatchQueue(Options options) : state_(std::make_shared<State>(std::move(options))) {
  worker_ = std::thread([state = state_] { state->Work(); });
}

BatchQueue::~BatchQueue() { Stop(); }

std::variant<std::unique_ptr<BatchQueue::Ticket>, BatchQueue::Refused> BatchQueue::Submit(Job job) {
  auto task = std::make_shared<Task>(std::move(job));
  std::unique_ptr<Ticket> ticket(new Ticket(state_, task));
  {
    const std::scoped_lock lock(state_->mutex);
    if (state_->stopping) return Refused::kStopping;
    // Not `lines_waiting + num_lines`, which could overflow.
    const size_t room = state_->options.max_waiting_lines -
                        std::min(state_->options.max_waiting_lines, state_->lines_waiting);
    if (task->num_lines() > room) return Refused::kFull;
    if (task->num_lines() == 0) return ticket;
    state_->waiting.push_back(task);
    state_->lines_waiting += task->num_lines();
  }
  state_->work.notify_one();
  return ticket;
}

void BatchQueue::Stop() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_all();
  if (worker_.joinable()) worker_.join();
}

size_t BatchQueue::lines_waiting() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->lines_waiting;
}

}  // namespace wavemt
