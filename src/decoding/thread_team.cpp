#include "decoding/thread_team.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "model/torch_threads.h"
#include "support/logging.h"

namespace wavemt {

class ThreadTeam::Impl {
 public:
  ~Impl() {
    {
      const std::scoped_lock lock(mutex_);
      ends_ = true;
    }
    has_work_.notify_all();
  }

  void Run(size_t count, const std::function<void()>& work) {
    const std::scoped_lock one_call(calls_);
    if (count <= 1) {
      work();
      return;
    }
    const TorchThreads one_each(1);
    Hire(count - 1);
    {
      const std::scoped_lock lock(mutex_);
      work_ = &work;
      ++round_;
      wanted_ = std::min(count - 1, others_.size());
      busy_ = wanted_;
    }
    has_work_.notify_all();
    work();
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [&] { return busy_ == 0; });
    work_ = nullptr;
  }

 private:
  void Hire(size_t count) {
    try {
      while (others_.size() < count) others_.emplace_back([this] { Serve(); });
    } catch (const std::system_error& error) {
      spdlog::warn("translating with {} threads: the system grants no more ({})",
                   others_.size() + 1, error.what());
    }
  }

  void Serve() {
    uint64_t last_round = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      has_work_.wait(lock, [&] { return ends_ || (round_ != last_round && wanted_ > 0); });
      if (ends_) return;
      last_round = round_;
      --wanted_;
      const std::function<void()>& work = *work_;
      lock.unlock();
      {
        const TorchThreads one(1);
        work();
      }
      lock.lock();
      if (--busy_ == 0) all_done_.notify_one();
    }
  }

  std::mutex calls_;
  std::mutex mutex_;  // Of what follows, but for the threads themselves.
  std::condition_variable has_work_;
  std::condition_variable all_done_;
  const std::function<void()>* work_ = nullptr;
  uint64_t round_ = 0;
  size_t wanted_ = 0;  // Threads that have yet to take up the work of this round.
  size_t busy_ = 0;    // Threads that have yet to finish it.
  bool ends_ = false;
  std::vector<std::jthread> others_;  // Last, so that they end before the rest is destroyed.
};

ThreadTeam::ThreadTeam() : impl_(std::make_unique<Impl>()) {}
ThreadTeam::~ThreadTeam() = default;

void ThreadTeam::Run(size_t count, const std::function<void()>& work) { impl_->Run(count, work); }

}  // namespace wavemt
