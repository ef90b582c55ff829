#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace wavemt {

/// Collects a body that arrives in pieces, and stops keeping it where it is too much. The client
/// may send more than that: it is dropped, for a while.
class BodyMeter {
 public:
  struct Limits {
    size_t max_bytes = 0;
    size_t max_dropped_bytes = 0;  // Beyond this, reading ends.
    std::chrono::steady_clock::time_point deadline{};
    /// Bytes of bodies that all meters hold at the moment, and the most of them.
    std::atomic<size_t>* held = nullptr;
    size_t max_held = 0;
  };

  explicit BodyMeter(const Limits& limits) : limits_(limits) {}
  ~BodyMeter() { *limits_.held -= held_; }
  BodyMeter(const BodyMeter&) = delete;
  BodyMeter& operator=(const BodyMeter&) = delete;

  /// Appends a piece to `text`, unless it is too much. False: stop reading.
  bool Take(std::string_view piece, std::string* text);

  /// Throws a RequestError if the body was not kept.
  void Check() const;

 private:
  Limits limits_;
  size_t seen_ = 0;
  size_t held_ = 0;
  bool is_slow_ = false;
  bool is_too_large_ = false;
  bool is_no_room_ = false;
};

}  // namespace wavemt
