#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wavemt {

/// A set of fingerprints: open addressing in one array, which doubles when it is 7/8 full. So a
/// fingerprint takes between 9 and 19 bytes (and half as much again while the array doubles), where
/// std::unordered_set takes about 40.
class FingerprintSet {
 public:
  /// Returns false if the fingerprint was there before.
  bool Insert(uint64_t fingerprint);
  bool Contains(uint64_t fingerprint) const;

  size_t size() const { return size_; }

 private:
  // The slot of the fingerprint, or the free one where it belongs. REQUIRES: a slot is free.
  static size_t SlotOf(const std::vector<uint64_t>& slots, uint64_t fingerprint);
  void Double();

  std::vector<uint64_t> slots_;  // A power of two of them, or none yet; 0: free.
  size_t size_ = 0;
};

}  // namespace wavemt
