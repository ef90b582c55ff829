#pragma once

#include <unistd.h>

#include <utility>

namespace wavemt {

/// A file descriptor that is closed with the object; -1: none, as from a call that failed.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value = -1) : value_(value) {}
  ~FileDescriptor() { Reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    Reset();
    value_ = std::exchange(other.value_, -1);
    return *this;
  }

  int value() const { return value_; }
  bool is_open() const { return value_ >= 0; }

 private:
  void Reset() {
    if (is_open()) close(value_);
  }

  int value_;
};

}  // namespace wavemt
