#pragma once

#include <ATen/Parallel.h>

namespace wavemt {

/// As long as this exists, LibTorch's operations use `count` threads each.
class TorchThreads {
 public:
  explicit TorchThreads(int count) : before_(at::get_num_threads()) { Set(count); }
  ~TorchThreads() { Set(before_); }
  TorchThreads(const TorchThreads&) = delete;
  TorchThreads& operator=(const TorchThreads&) = delete;

 private:
  static void Set(int count) {
    if (count != at::get_num_threads()) at::set_num_threads(count);
  }

  int before_;
};

}  // namespace wavemt
