#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "server/language_pair.h"
#include "server/request_error.h"

namespace wavemt {

/// What the server has done so far, for Prometheus. Thread-safe.
class ServerMetrics {
 public:
  /// What is counted at the moment of asking.
  struct Now {
    size_t lines_waiting = 0;
    size_t connections = 0;
  };

  /// `path` must be one of few.
  void CountRequest(const std::string& path, int status);
  void CountRefusal(Refusal refusal);
  void CountLines(const LanguagePair& languages, size_t lines);
  /// The time from the arrival of a request for translations to the end of its answer.
  void ObserveSeconds(double seconds);
  void ObserveBatch(size_t lines);

  /// All of it in Prometheus's text format, version 0.0.4.
  std::string Text(const Now& now) const;

 private:
  // How many values are at most as large as each of some bounds.
  class Histogram {
   public:
    explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}
    void Observe(double value);
    std::string Text(const std::string& name) const;

   private:
    std::span<const double> bounds_;
    std::array<int64_t, 16> counts_{};  // Values above the bound before, up to this one.
    int64_t count_ = 0;
    double sum_ = 0;
  };

  static constexpr double kSeconds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  static constexpr double kLines[] = {1, 2, 4, 8, 16, 32, 64, 128};

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, int64_t> requests_;
  std::map<std::string, int64_t> refusals_;
  std::map<std::pair<std::string, std::string>, int64_t> lines_;
  Histogram seconds_{kSeconds};
  Histogram batch_lines_{kLines};
  double start_ =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
};

}  // namespace wavemt
