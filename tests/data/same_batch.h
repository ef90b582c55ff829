#pragma once

#include <gtest/gtest.h>

#include "data/batch.h"

namespace wavemt {

inline void ExpectSame(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.source_length, b.source_length);
  EXPECT_EQ(a.target_length, b.target_length);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.target_input, b.target_input);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.source_lengths, b.source_lengths);
  EXPECT_EQ(a.target_lengths, b.target_lengths);
  EXPECT_EQ(a.source_tokens, b.source_tokens);
  EXPECT_EQ(a.target_tokens, b.target_tokens);
}

}  // namespace wavemt
