#include "evaluation/statistics.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace wavemt {
namespace {

constexpr size_t kChunk = 64;  // Segments that a thread takes at a time.

// Runs `work` on `num_threads` threads, waits for them, and rethrows the first exception.
template <typename Work>
void RunOnThreads(size_t num_threads, const Work& work) {
  std::vector<std::exception_ptr> errors(num_threads);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < num_threads; ++t) {
      threads.emplace_back([&work, &error = errors[t]] {
        try {
          work();
        } catch (...) {
          error = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace

void Statistics::Append(const Statistics& more) {
  values_.insert(values_.end(), more.values_.begin(), more.values_.end());
}

void Statistics::AddTo(std::vector<double>* sums) const {
  for (size_t i = 0; i < size(); ++i) {
    const auto values = row(i);
    for (size_t k = 0; k < columns_; ++k) (*sums)[k] += values[k];
  }
}

Statistics Measure(const Metric& metric, std::span<const Segment> segments) {
  Statistics result(metric.NumStatistics());
  const size_t columns = result.columns();
  result.values_.resize(segments.size() * columns);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    const auto meter = metric.NewMeter();
    for (size_t begin = 0; (begin = next.fetch_add(kChunk)) < segments.size();) {
      const size_t end = std::min(begin + kChunk, segments.size());
      for (size_t i = begin; i < end; ++i) {
        meter->Measure(segments[i], std::span(result.values_).subspan(i * columns, columns));
      }
    }
  };
  const size_t chunks = (segments.size() + kChunk - 1) / kChunk;
  RunOnThreads(std::min<size_t>(chunks, std::max(1U, std::thread::hardware_concurrency())), work);
  return result;
}

Score ScoreCorpus(const Metric& metric, std::span<const std::string> hypotheses,
                  std::span<const std::string> references) {
  std::vector<Segment> segments;
  segments.reserve(hypotheses.size());
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    segments.push_back({.hypothesis = hypotheses[i], .references = {references[i]}});
  }
  std::vector<double> sums(metric.NumStatistics());
  Measure(metric, segments).AddTo(&sums);
  return metric.FullScore(sums);
}

}  // namespace wavemt
