#include "support/signals.h"

#include <csignal>

namespace wavemt {
namespace {

// A signal handler can reach nothing but a variable of static storage.
volatile std::sig_atomic_t stop_signal = 0;

extern "C" void RequestStop(int signal) { stop_signal = signal; }

}  // namespace

void InstallStopSignals() {
  struct sigaction action {};
  action.sa_handler = RequestStop;
  sigemptyset(&action.sa_mask);
  // SA_RESETHAND: the second signal has its default effect.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int StopSignal() { return stop_signal; }

}  // namespace wavemt
