#include "data/cleaning/fingerprint.h"

#include <bit>
#include <cstddef>
#include <string>

#include "data/whitespace_normalizer.h"

namespace wavemt {
namespace {

// The `count` bytes from `begin` on, little-endian.
uint64_t LittleEndian(std::string_view bytes, size_t begin, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[begin + i])} << (8 * i);
  }
  return value;
}

// The variables have the names of the paper.
class SipHash {
 public:
  void Compress(uint64_t message) {
    v3_ ^= message;
    Round();
    Round();
    v0_ ^= message;
  }

  uint64_t Finish() {
    v2_ ^= 0xFF;
    for (int i = 0; i < 4; ++i) Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void Round() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  static constexpr uint64_t kKey0 = 0x0706050403020100;
  static constexpr uint64_t kKey1 = 0x0F0E0D0C0B0A0908;
  uint64_t v0_ = kKey0 ^ 0x736F6D6570736575;
  uint64_t v1_ = kKey1 ^ 0x646F72616E646F6D;
  uint64_t v2_ = kKey0 ^ 0x6C7967656E657261;
  uint64_t v3_ = kKey1 ^ 0x7465646279746573;
};

}  // namespace

uint64_t Fingerprint(std::string_view bytes) {
  constexpr size_t kWord = 8;
  SipHash hash;
  size_t i = 0;
  for (; i + kWord <= bytes.size(); i += kWord) hash.Compress(LittleEndian(bytes, i, kWord));
  hash.Compress(LittleEndian(bytes, i, bytes.size() - i) | uint64_t{bytes.size()} << 56);
  return hash.Finish();
}

PairFingerprints FingerprintsOf(const SentencePair& pair) {
  PairFingerprints fingerprints = {.source = Fingerprint(NormalizeWhitespace(pair.source)),
                                   .target = Fingerprint(NormalizeWhitespace(pair.target))};
  SipHash both;
  both.Compress(fingerprints.source);
  both.Compress(fingerprints.target);
  fingerprints.pair = both.Finish();
  return fingerprints;
}

}  // namespace wavemt
