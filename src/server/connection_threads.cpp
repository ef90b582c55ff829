#include "server/connection_threads.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "support/logging.h"

namespace wavemt {
namespace {

constexpr std::chrono::seconds kIdleTime{30};

void RunConnection(const std::function<void()>& task) {
  try {
    task();
  } catch (const std::exception& error) {
    spdlog::error("a connection failed: {}", error.what());
  } catch (...) {
    spdlog::error("a connection failed");
  }
}

}  // namespace

// Shared with the threads, which are detached: nobody has to wait for one that hangs.
struct ConnectionThreads::State {
  explicit State(size_t max) : max_threads(max) {}

  void Work();

  const size_t max_threads;
  mutable std::mutex mutex;
  std::condition_variable work;
  std::condition_variable ended;
  std::deque<std::function<void()>> tasks;  // Those that wait.
  size_t num_threads = 0;
  size_t num_idle = 0;
  bool is_finishing = false;
};

void ConnectionThreads::State::Work() {
  std::unique_lock lock(mutex);
  while (true) {
    ++num_idle;
    work.wait_for(lock, kIdleTime, [&] { return is_finishing || !tasks.empty(); });
    --num_idle;
    if (tasks.empty()) break;
    std::function<void()> task = std::move(tasks.front());
    tasks.pop_front();
    lock.unlock();
    RunConnection(task);
    task = nullptr;
    lock.lock();
  }
  --num_threads;
  ended.notify_all();
}

ConnectionThreads::ConnectionThreads(size_t max_threads)
    : state_(std::make_shared<State>(max_threads)) {}

void ConnectionThreads::Add(std::function<void()> task) {
  std::unique_lock lock(state_->mutex);
  state_->tasks.push_back(std::move(task));
  // An idle thread that has been woken takes one of the tasks that wait, but counts until then.
  if (state_->num_idle < state_->tasks.size() && state_->num_threads < state_->max_threads) {
    try {
      std::thread([state = state_] { state->Work(); }).detach();
      ++state_->num_threads;
    } catch (const std::system_error& error) {
      spdlog::warn("no thread for a connection, which waits: {}", error.what());
      if (state_->num_threads == 0) {
        // Nobody would ever take it.
        task = std::move(state_->tasks.front());
        state_->tasks.pop_front();
        lock.unlock();
        RunConnection(task);
        return;
      }
    }
  }
  state_->work.notify_one();
}

size_t ConnectionThreads::num_tasks() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->tasks.size() + state_->num_threads - state_->num_idle;
}

bool ConnectionThreads::Finish(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(state_->mutex);
  state_->is_finishing = true;
  state_->work.notify_all();
  return state_->ended.wait_until(lock, deadline, [&] { return state_->num_threads == 0; });
}

}  // namespace wavemt
