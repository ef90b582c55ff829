#pragma once

#include <unistd.h>

#include <utility>

namespace wavemt {

/// Owns a file descriptor and closes it. -1 means none, for example after open() failed.
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
  /// Returns false, with the reason in errno, if the system reports a delayed write error.
  bool Close() { return close(std::exchange(value_, -1)) == 0; }

 private:
  int value_;
};

}  // namespace wavemt
