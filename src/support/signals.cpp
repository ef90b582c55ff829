#include "support/signals.h"

#include <time.h>

#include <csignal>
#include <initializer_list>

namespace wavemt {
namespace {

// A signal handler can only access static variables.
volatile std::sig_atomic_t stop_signal = 0;
volatile std::sig_atomic_t first_interrupt_ms = -1;

// A terminal, a shell and `timeout` may each forward the same Ctrl-C.
constexpr std::sig_atomic_t kSameInterruptMs = 500;

// Milliseconds of a monotonic clock, reduced to the range of sig_atomic_t.
std::sig_atomic_t Milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);  // Async-signal-safe.
  return static_cast<std::sig_atomic_t>((now.tv_sec * 1000 + now.tv_nsec / 1'000'000) & 0x3FFFFFFF);
}

extern "C" void RequestStop(int signal) {
  if (signal == SIGINT) {
    const std::sig_atomic_t now = Milliseconds();
    if (first_interrupt_ms >= 0 && now - first_interrupt_ms > kSameInterruptMs) {
      std::signal(SIGINT, SIG_DFL);
      std::raise(SIGINT);
      return;
    }
    if (first_interrupt_ms < 0) first_interrupt_ms = now;
  }
  stop_signal = signal;
}

}  // namespace

void InstallStopSignals() {
  struct sigaction action {};
  action.sa_handler = RequestStop;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESTART);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

int StopSignal() { return stop_signal; }

void IgnoreFileSizeSignal() { std::signal(SIGXFSZ, SIG_IGN); }

}  // namespace wavemt
