#include "random_bytes.h"

#include <algorithm>

namespace wavemt {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Replaces the first number at or after `offset`.
void ReplaceNumber(Random& random, size_t offset, std::string* bytes) {
  const auto begin =
      std::find_if(bytes->begin() + static_cast<std::ptrdiff_t>(offset), bytes->end(), IsDigit);
  const auto end = std::find_if_not(begin, bytes->end(), IsDigit);
  bytes->replace(begin, end, random.Choose(kHardNumbers));
}

void DamageOnce(Random& random, std::string* bytes) {
  constexpr size_t kMaxLength = 40;
  const size_t offset = random.Below(bytes->size());
  const size_t length = 1 + random.Below(kMaxLength);
  switch (bytes->empty() ? 2 : random.Below(9)) {
    case 0:
      (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ (1 << random.Below(8)));
      break;
    case 1:
      (*bytes)[offset] = static_cast<char>(random.Next());
      break;
    case 2:
      bytes->insert(offset, random.Choose(kHardBytes));
      break;
    case 3:
      bytes->erase(offset, length);
      break;
    case 4:
      bytes->insert(random.Below(bytes->size()), bytes->substr(offset, length));
      break;
    case 5:
      bytes->resize(offset);
      break;
    case 6:
      bytes->append(length, static_cast<char>(random.OneIn(2) ? 0 : random.Next()));
      break;
    case 7:
      std::fill_n(bytes->begin() + static_cast<std::ptrdiff_t>(offset),
                  std::min(length, bytes->size() - offset), '\0');
      break;
    default:
      ReplaceNumber(random, offset, bytes);
  }
}

}  // namespace

void Damage(Random& random, std::string* bytes) {
  for (size_t times = 1 + random.Below(4); times > 0; --times) DamageOnce(random, bytes);
}

}  // namespace wavemt
