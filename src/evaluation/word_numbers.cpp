#include "evaluation/word_numbers.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "support/whitespace.h"

namespace wavemt {

void WordNumbers::Clear() {
  size_ = 0;
  if (++generation_ == 0) {  // It has wrapped around: old slots would look new.
    std::fill(slots_.begin(), slots_.end(), Slot{});
    generation_ = 1;
  }
}

// The word's slot, or the free slot where it would go.
WordNumbers::Slot& WordNumbers::Find(std::string_view word) {
  const size_t mask = slots_.size() - 1;
  size_t i = std::hash<std::string_view>{}(word)&mask;
  while (slots_[i].generation == generation_ && slots_[i].word != word) i = (i + 1) & mask;
  return slots_[i];
}

void WordNumbers::Grow() {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : old) {
    if (slot.generation == generation_) Find(slot.word) = slot;
  }
}

uint32_t WordNumbers::NumberOf(std::string_view word) {
  Slot* slot = &Find(word);
  if (slot->generation == generation_) return slot->number;
  if (size_ >= slots_.size() / 2) {
    Grow();
    slot = &Find(word);
  }
  *slot = {.word = word, .number = size_++, .generation = generation_};
  return slot->number;
}

void WordNumbers::Append(std::string_view text, std::vector<uint32_t>* numbers) {
  SplitOnSpace(text, &words_);
  for (const std::string_view word : words_) numbers->push_back(NumberOf(word));
}

}  // namespace wavemt
