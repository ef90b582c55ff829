#include "distributed/lifeline.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "distributed/session.h"
#include "support/logging.h"

namespace wavemt {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kBeat{1};
constexpr std::chrono::seconds kTimeToEnd{10};   // Of waiting in vain, before give_up() is called.
constexpr std::chrono::seconds kTimeToLeave{5};  // For the last words in the store.
constexpr const char* kEnded = "ended";

std::string PulseKey(int rank) { return fmt::format("pulse/{}", rank); }
std::string LeftKey(int rank) { return fmt::format("left/{}", rank); }

}  // namespace

struct Lifeline::Shared {
  // What is known of the life of another rank.
  struct Pulse {
    int64_t beats = -1;
    Clock::time_point changed;
    bool has_left = false;
  };

  c10::intrusive_ptr<c10d::Store> store;  // Of the beating thread, like `pulses`.
  Options options;
  std::vector<Pulse> pulses;

  std::mutex mutex;  // Of everything below.
  std::condition_variable changed;
  Clock::time_point last_beat = Clock::now();
  std::optional<std::string> reason{};
  bool leaves_quietly = false;
  std::optional<Clock::time_point> waiting_since{};
  bool stopped = false;
  bool has_beaten_last = false;

  std::optional<std::string> BeatOnce();
  std::optional<std::string> LookAt(int rank);
  void SayLastWords();
};

Lifeline::Lifeline(c10::intrusive_ptr<c10d::Store> store, Options options)
    : shared_(std::make_shared<Shared>()) {
  shared_->store = std::move(store);
  shared_->pulses.resize(static_cast<size_t>(options.size), {.changed = Clock::now()});
  shared_->options = std::move(options);
  beating_ = std::thread([shared = shared_] { Beat(shared); });
  judging_ = std::thread([shared = shared_] { Judge(shared); });
}

Lifeline::~Lifeline() {
  {
    std::unique_lock lock(shared_->mutex);
    shared_->stopped = true;
    shared_->changed.notify_all();
    shared_->changed.wait_for(lock, kTimeToLeave, [&] { return shared_->has_beaten_last; });
    if (!shared_->has_beaten_last) beating_.detach();
  }
  if (beating_.joinable()) beating_.join();
  judging_.join();
}

void Lifeline::LeaveQuietly() {
  const std::lock_guard lock(shared_->mutex);
  shared_->leaves_quietly = true;
}

bool Lifeline::HasLeft(c10d::Store& store, int rank) { return store.check({LeftKey(rank)}); }

std::optional<std::string> Lifeline::ReasonToEnd(std::chrono::seconds wait) {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_for(lock, wait, [&] { return shared_->reason.has_value(); });
  return shared_->reason;
}

Lifeline::Wait::Wait(Lifeline& lifeline) : lifeline_(lifeline) {
  const std::lock_guard lock(lifeline_.shared_->mutex);
  lifeline_.shared_->waiting_since = Clock::now();
}

Lifeline::Wait::~Wait() {
  const std::lock_guard lock(lifeline_.shared_->mutex);
  lifeline_.shared_->waiting_since.reset();
}

void Lifeline::Beat(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (!shared->stopped) {
    lock.unlock();
    std::optional<std::string> reason = shared->BeatOnce();
    lock.lock();
    shared->last_beat = Clock::now();
    if (!shared->reason && reason) {
      shared->reason = std::move(reason);
      shared->changed.notify_all();
    }
    shared->changed.wait_for(lock, kBeat, [&] { return shared->stopped; });
  }
  lock.unlock();
  shared->SayLastWords();
  lock.lock();
  shared->has_beaten_last = true;
  shared->changed.notify_all();
}

void Lifeline::Judge(const std::shared_ptr<Shared>& shared) {
  const Options& options = shared->options;
  std::unique_lock lock(shared->mutex);
  std::optional<Clock::time_point> lost_at;
  while (!shared->changed.wait_for(lock, kBeat, [&] { return shared->stopped; })) {
    const auto now = Clock::now();
    if (!shared->reason && now - shared->last_beat > options.patience) {
      shared->reason = fmt::format(
          "{} has not answered for {} seconds: its process or machine is gone or stopped",
          options.names.front(), options.patience.count());
      shared->changed.notify_all();
    }
    if (!shared->reason) continue;
    if (!lost_at) lost_at = now;
    // A process that is still at work, say at saving, will see for itself that others are gone.
    const bool waits_in_vain = shared->waiting_since && now - *lost_at > kTimeToEnd &&
                               now - *shared->waiting_since > kTimeToEnd;
    if (waits_in_vain && options.give_up) options.give_up(*shared->reason);
  }
}

std::optional<std::string> Lifeline::Shared::BeatOnce() {
  const auto now = Clock::now();
  // After a pause of this process itself, nothing is known of the others.
  Clock::time_point previous;
  {
    const std::lock_guard lock(mutex);
    previous = last_beat;
  }
  if (now - previous > 5 * kBeat) {
    for (Pulse& pulse : pulses) pulse.changed = now;
  }
  try {
    store->add(PulseKey(options.rank), 1);
    if (store->check({kEnded})) {
      const std::vector<uint8_t> text = store->get(kEnded);
      return std::string(text.begin(), text.end());
    }
    if (options.rank > 0) return LookAt(0);
    for (int rank = 1; rank < options.size; ++rank) {
      if (auto reason = LookAt(rank)) {
        store->set(kEnded, Bytes(*reason));
        return reason;
      }
    }
  } catch (const std::exception& error) {
    spdlog::debug("the store of the training: {}", error.what());
    return fmt::format("{} can no longer be reached: its process or machine is gone",
                       options.names.front());
  }
  return std::nullopt;
}

std::optional<std::string> Lifeline::Shared::LookAt(int rank) {
  Pulse& pulse = pulses[static_cast<size_t>(rank)];
  if (pulse.has_left) return std::nullopt;
  const auto now = Clock::now();
  const int64_t beats = store->add(PulseKey(rank), 0);
  if (beats != pulse.beats) pulse = {.beats = beats, .changed = now};
  if (now - pulse.changed < options.patience) return std::nullopt;
  pulse.has_left = HasLeft(*store, rank);
  if (pulse.has_left) return std::nullopt;
  return fmt::format(
      "{} has given no sign of life for {} seconds: its process or machine is gone or stopped",
      options.names[static_cast<size_t>(rank)], options.patience.count());
}

void Lifeline::Shared::SayLastWords() {
  bool is_quiet = false;
  {
    const std::lock_guard lock(mutex);
    is_quiet = leaves_quietly;
  }
  try {
    if (!is_quiet && !store->check({kEnded})) {
      const std::string& name = options.names[static_cast<size_t>(options.rank)];
      store->set(kEnded, Bytes(fmt::format("{} has ended with an error", name)));
    }
    store->set(LeftKey(options.rank), Bytes("1"));
    // Rank 0 may be about to close the store: others must have heard what it had to say.
    if (!is_quiet && options.rank == 0) std::this_thread::sleep_for(2 * kBeat);
  } catch (const std::exception& error) {
    spdlog::debug("the store of the training: {}", error.what());
  }
}

}  // namespace wavemt
