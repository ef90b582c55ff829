#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace wavemt {

/// Gives equal words equal numbers, from 0 on, so that comparing words is comparing numbers.
class WordNumbers {
 public:
  /// Forgets all words. The words of text seen from then on must outlive the next call.
  void Clear();

  uint32_t NumberOf(std::string_view word);

  /// The numbers of the words of `text`, separated as by Python's str.split().
  void Append(std::string_view text, std::vector<uint32_t>* numbers);

 private:
  struct Slot {
    std::string_view word;
    uint32_t number = 0;
    uint32_t generation = 0;  // The slot is taken if this is the table's generation.
  };
  void Grow();
  Slot& Find(std::string_view word);

  std::vector<Slot> slots_ = std::vector<Slot>(64);  // Their number is a power of two.
  uint32_t generation_ = 1;
  uint32_t size_ = 0;
  std::vector<std::string_view> words_;
};

}  // namespace wavemt
