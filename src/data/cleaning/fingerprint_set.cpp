#include "data/cleaning/fingerprint_set.h"

#include <utility>

namespace wavemt {
namespace {

constexpr size_t kFirstSlots = 64;

// 0 marks free slots, so the fingerprint 0 shares that of 1.
uint64_t NotZero(uint64_t fingerprint) { return fingerprint == 0 ? 1 : fingerprint; }

}  // namespace

size_t FingerprintSet::SlotOf(const std::vector<uint64_t>& slots, uint64_t fingerprint) {
  const size_t mask = slots.size() - 1;
  size_t slot = fingerprint & mask;
  while (slots[slot] != 0 && slots[slot] != fingerprint) slot = (slot + 1) & mask;
  return slot;
}

bool FingerprintSet::Insert(uint64_t fingerprint) {
  fingerprint = NotZero(fingerprint);
  if (size_ >= slots_.size() - slots_.size() / 8) Double();
  uint64_t& slot = slots_[SlotOf(slots_, fingerprint)];
  if (slot != 0) return false;
  slot = fingerprint;
  ++size_;
  return true;
}

bool FingerprintSet::Contains(uint64_t fingerprint) const {
  return !slots_.empty() && slots_[SlotOf(slots_, NotZero(fingerprint))] != 0;
}

void FingerprintSet::Double() {
  std::vector<uint64_t> doubled(slots_.empty() ? kFirstSlots : 2 * slots_.size());
  for (const uint64_t fingerprint : slots_) {
    if (fingerprint != 0) doubled[SlotOf(doubled, fingerprint)] = fingerprint;
  }
  slots_ = std::move(doubled);
}

}  // namespace wavemt
