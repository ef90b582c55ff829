#include "model/out_of_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <vector>

#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::ElementsAre;

// The work processes numbers from `begin` to `end`, of which at most `capacity_` fit in memory at
// once.
struct NumberSpan {
  int begin = 0;
  int end = 0;

  int size() const { return end - begin; }
  bool operator==(const NumberSpan&) const = default;
};

class WorkInHalvesTest : public testing::Test {
 protected:
  WorkInHalvesTest() {
    job_.work = [this](const NumberSpan& range) {
      ++attempts_;
      for (int i = range.begin; i < range.end; ++i) {
        if (i - range.begin == capacity_) throw std::bad_alloc();
        if (has_side_effects_) done_.push_back(i);
      }
      if (has_side_effects_) return;
      for (int i = range.begin; i < range.end; ++i) done_.push_back(i);
    };
    job_.halve = [](const NumberSpan& range) {
      if (range.size() == 1) throw Failure("{} does not fit", range.begin);
      const int middle = range.begin + range.size() / 2;
      return std::pair(NumberSpan{range.begin, middle}, NumberSpan{middle, range.end});
    };
  }

  HalvableWork<NumberSpan> job_;
  int capacity_ = 100;
  bool has_side_effects_ = false;  // Whether failed work has side effects that must be undone.
  int attempts_ = 0;
  std::vector<int> done_;
};

TEST_F(WorkInHalvesTest, WhatFitsIsDoneAtOnce) {
  EXPECT_THAT(WorkInHalves<NumberSpan>({{0, 3}, {3, 5}}, job_),
              ElementsAre(NumberSpan{0, 3}, NumberSpan{3, 5}));
  EXPECT_THAT(done_, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(attempts_, 2);
}

TEST_F(WorkInHalvesTest, WhatDoesNotFitIsHalvedAndTheWorkGoesOn) {
  capacity_ = 2;
  EXPECT_THAT(WorkInHalves<NumberSpan>({{0, 2}, {2, 7}}, job_),
              ElementsAre(NumberSpan{0, 2}, NumberSpan{2, 4}, NumberSpan{4, 5}, NumberSpan{5, 7}));
  EXPECT_THAT(done_, ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST_F(WorkInHalvesTest, WorkThatLeavesTracesStartsOver) {
  capacity_ = 2;
  has_side_effects_ = true;
  int restarts = 0;
  job_.start_over = [&] {
    ++restarts;
    done_.clear();
  };
  EXPECT_THAT(WorkInHalves<NumberSpan>({{0, 2}, {2, 6}}, job_),
              ElementsAre(NumberSpan{0, 2}, NumberSpan{2, 4}, NumberSpan{4, 6}));
  EXPECT_THAT(done_, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(restarts, 1);
}

TEST_F(WorkInHalvesTest, WhatIsKnownNotToFitIsNotTried) {
  capacity_ = 2;
  job_.is_too_large = [](const NumberSpan& range) { return range.size() > 2; };
  WorkInHalves<NumberSpan>({{0, 4}, {4, 8}}, job_);
  EXPECT_THAT(done_, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(attempts_, 4);
}

TEST_F(WorkInHalvesTest, WhatCannotBeHalvedIsReported) {
  capacity_ = 0;
  EXPECT_THROW(WorkInHalves<NumberSpan>({{0, 4}}, job_), Error);
  EXPECT_TRUE(done_.empty());
}

TEST_F(WorkInHalvesTest, OtherErrorsPass) {
  job_.work = [](const NumberSpan&) { throw std::logic_error("no memory is short"); };
  EXPECT_THROW(WorkInHalves<NumberSpan>({{0, 4}}, job_), std::logic_error);
}

}  // namespace
}  // namespace wavemt
