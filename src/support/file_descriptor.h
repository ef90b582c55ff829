#pragma once

#include <unistd.h>

#include <utility>

namespace wavemt {

/// A file descriptor that is closed with the object; -1: none, as from a call that failed.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value = -1) : value_(value) {}
  ~FileDescriptor() {
    if (is_open()) Close();
  }
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (is_open()) Close();
    value_ = std::exchange(other.value_, -1);
    return *this;
  }

  int value() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  /// False, with the reason in errno, where the system reports an error that came late.
  bool Close() { return close(std::exchange(value_, -1)) == 0; }

 private:
  int value_;
};

}  // namespace wavemt
