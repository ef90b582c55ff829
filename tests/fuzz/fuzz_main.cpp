#include "fuzz_main.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "memory_meter.h"
#include "support/error.h"

namespace wavemt {
namespace {

// The report of the crash handlers, which take no arguments.
struct Current {
  std::string_view target;
  const std::string* input = nullptr;
  uint64_t number = 0;
} current;

void Tell() {
  char text[200];
  char file[100];
  const auto in_file = fmt::format_to_n(file, sizeof(file) - 1, "fuzz_{}.input", current.target);
  *in_file.out = '\0';
  const auto said =
      fmt::format_to_n(text, sizeof(text), "{}: input number {} does this; it is in {}\n",
                       current.target, current.number, file);
  const int descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (descriptor >= 0 && current.input != nullptr) {
    (void)!write(descriptor, current.input->data(), current.input->size());
    close(descriptor);
  }
  (void)!write(STDERR_FILENO, text, said.size);
}

void TellAndDie(int signal_number) {
  Tell();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// The sanitizers have their own handlers, which call Tell().
void InstallHandlers() {
  constexpr int kSecondsOfAHang = 60;
  if (!MemoryMeter::CallOnSanitizerReport(Tell)) {
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) signal(number, TellAndDie);
  }
  signal(SIGALRM, TellAndDie);
  alarm(kSecondsOfAHang);
}

int64_t PeakOfProcess() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

struct Counts {
  uint64_t accepted = 0;
  uint64_t refused = 0;
  int64_t largest = 0;  // The largest input, in bytes.
  int64_t memory = 0;   // The maximum that reading an input took, beyond its own size.
};

void ReadOne(const FuzzTarget& target, const std::string& input, Counts* counts) {
  const auto size = static_cast<int64_t>(input.size());
  MemoryMeter meter;
  try {
    target.read(input);
    ++counts->accepted;
  } catch (const Error&) {
    ++counts->refused;
  }
  counts->largest = std::max(counts->largest, size);
  counts->memory = std::max(counts->memory, meter.peak() - size);
  Require(meter.peak() <= size + target.memory, "reading it took too much memory");
}

struct Options {
  uint64_t inputs = 20'000;
  uint64_t seed = 1;
  uint64_t first = 0;
};

int Fuzz(const FuzzTarget& target, const Options& options) {
  Counts counts;
  const int64_t peak_before = PeakOfProcess();
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t number = options.first; number < options.first + options.inputs; ++number) {
    constexpr uint64_t kInputsAnAlarm = 1000;
    if (number % kInputsAnAlarm == 0) InstallHandlers();
    Random random(options.seed, number);
    const std::string input = target.make(random);
    current = {.target = target.name, .input = &input, .number = number};
    try {
      ReadOne(target, input, &counts);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: {}\n", target.name, error.what());
      Tell();
      return 1;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (!MemoryMeter::kMeasures) {
    counts.memory = PeakOfProcess() - peak_before - counts.largest;
    if (counts.memory > target.memory) {
      fmt::print(stderr, "{}: reading took {} bytes beside the largest input\n", target.name,
                 counts.memory);
      return 1;
    }
  }
  fmt::print(
      "{}: {} inputs from number {} of seed {}: {} accepted, {} refused; the largest had {} bytes; "
      "at most {:.1f} MB of memory beyond the input; {:.0f} inputs/s\n",
      target.name, options.inputs, options.first, options.seed, counts.accepted, counts.refused,
      counts.largest, static_cast<double>(std::max<int64_t>(counts.memory, 0)) / (1 << 20),
      static_cast<double>(options.inputs) / seconds.count());
  return 0;
}

}  // namespace

void Require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

int FuzzMain(int argc, char** argv, const FuzzTarget& target) {
  Options options;
  CLI::App app("Gives seeded hostile inputs to a reader.");
  app.add_option("--inputs", options.inputs)->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--first", options.first, "Number of the first input.")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  // A library that calls exit() is as bad as one that crashes.
  std::atexit([] {
    if (current.input != nullptr) Tell();
  });
  const int result = Fuzz(target, options);
  current.input = nullptr;
  return result;
}

}  // namespace wavemt
