#include "evaluation/numpy_random.h"

#include <array>
#include <bit>
#include <cstddef>

namespace wavemt {
namespace {

constexpr size_t kPoolSize = 4;

// The hash of SeedSequence (O'Neill, "Developing a seed_seq alternative", 2015). Its constant
// changes with every use.
class SeedHash {
 public:
  SeedHash(uint32_t initial, uint32_t multiplier) : constant_(initial), multiplier_(multiplier) {}

  uint32_t operator()(uint32_t value) {
    value ^= constant_;
    constant_ *= multiplier_;
    value *= constant_;
    return value ^ (value >> 16);
  }

 private:
  uint32_t constant_;
  uint32_t multiplier_;
};

uint32_t Mix(uint32_t x, uint32_t y) {
  const uint32_t result = 0xCA01F9DDU * x - 0x4973F715U * y;
  return result ^ (result >> 16);
}

// SeedSequence(seed).generate_state(4, uint64).
std::array<uint64_t, 4> StateFromSeed(uint64_t seed) {
  const std::array<uint32_t, kPoolSize> entropy = {static_cast<uint32_t>(seed),
                                                   static_cast<uint32_t>(seed >> 32)};
  SeedHash hash(0x43B0D7E5U, 0x931E8875U);
  std::array<uint32_t, kPoolSize> pool{};
  for (size_t i = 0; i < kPoolSize; ++i) pool[i] = hash(entropy[i]);
  for (size_t from = 0; from < kPoolSize; ++from) {
    for (size_t to = 0; to < kPoolSize; ++to) {
      if (from != to) pool[to] = Mix(pool[to], hash(pool[from]));
    }
  }
  SeedHash output(0x8B51F9DDU, 0x58F38DEDU);
  std::array<uint64_t, 4> state{};
  for (size_t i = 0; i < 2 * state.size(); ++i) {
    const uint64_t word = output(pool[i % kPoolSize]);
    state[i / 2] |= i % 2 == 0 ? word : word << 32;
  }
  return state;
}

}  // namespace

NumpyRandom::NumpyRandom(uint64_t seed) {
  const auto words = StateFromSeed(seed);
  increment_ = (((static_cast<uint128>(words[2]) << 64) | words[3]) << 1) | 1;
  Advance();
  state_ += (static_cast<uint128>(words[0]) << 64) | words[1];
  Advance();
}

void NumpyRandom::Advance() {
  constexpr uint128 kMultiplier =
      (static_cast<uint128>(0x2360ED051FC65DA4U) << 64) | 0x4385DF649FCCF645U;
  state_ = state_ * kMultiplier + increment_;
}

uint64_t NumpyRandom::Next64() {
  Advance();
  const auto high = static_cast<uint64_t>(state_ >> 64);
  return std::rotr(high ^ static_cast<uint64_t>(state_), static_cast<int>(high >> 58));
}

uint32_t NumpyRandom::Next32() {
  if (has_half_) {
    has_half_ = false;
    return half_;
  }
  const uint64_t both = Next64();
  has_half_ = true;
  half_ = static_cast<uint32_t>(both >> 32);
  return static_cast<uint32_t>(both);
}

uint32_t NumpyRandom::Below(uint32_t bound) {
  if (bound == 1) return 0;  // NumPy draws nothing.
  uint64_t product = static_cast<uint64_t>(Next32()) * bound;
  if (static_cast<uint32_t>(product) < bound) {
    const uint32_t threshold = (0U - bound) % bound;
    while (static_cast<uint32_t>(product) < threshold) {
      product = static_cast<uint64_t>(Next32()) * bound;
    }
  }
  return static_cast<uint32_t>(product >> 32);
}

bool NumpyRandomBits::Next() {
  if (num_bits_ == 0) {
    bits_ = random_->Next32();
    num_bits_ = 32;
  } else {
    bits_ >>= 1;
  }
  --num_bits_;
  return (bits_ & 1) != 0;
}

}  // namespace wavemt
