#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// A sentence that validations translated again and again.
struct SampleSentence {
  struct Version {
    int64_t step = 0;
    std::string translation{};
  };

  std::string set{};  // "valid", "valid/news"
  std::string source{};
  std::string reference{};
  std::vector<Version> versions{};  // By step; each step occurs once.
};

/// The contents of a samples.jsonl.
struct SampleHistory {
  std::vector<SampleSentence> sentences{};  // In the order in which they first appear.
  int64_t sentences_left_out = 0;           // Further ones: there are few in an ordinary file.
  int64_t damaged_lines = 0;                // Left out.
};

SampleHistory ParseSamples(std::string_view text);

}  // namespace wavemt
