#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace wavemt {

/// Numbers words from 0, equal words alike, so that words can be compared as numbers.
class WordNumbers {
 public:
  /// Forgets all words. Words passed in from then on must stay valid until the next Clear().
  void Clear();

  uint32_t NumberOf(std::string_view word);

  /// Appends the numbers of the words of `text`, split as by Python's str.split().
  void Append(std::string_view text, std::vector<uint32_t>* numbers);

 private:
  struct Slot {
    std::string_view word;
    uint32_t number = 0;
    uint32_t generation = 0;  // The slot is in use if this is the table's generation.
  };
  void Grow();
  Slot& Find(std::string_view word);

  std::vector<Slot> slots_ = std::vector<Slot>(64);  // The size is a power of two.
  uint32_t generation_ = 1;
  uint32_t size_ = 0;
  std::vector<std::string_view> words_;
};

}  // namespace wavemt
