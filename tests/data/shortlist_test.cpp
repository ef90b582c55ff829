#include "data/shortlist.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../support/thrown_error.h"
#include "data/tokenizer_trainer.h"

namespace wavemt {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Tokens 5 to 14 of the source stand for tokens 15 to 24 of the target, which has another order.
class ShortlistTest : public testing::Test {
 protected:
  ShortlistTest() {
    tokenizers_ = {.source = Train({"the cat sat there", "that cat ate"}),
                   .target = Train({"el gato se fue", "el gato la ata"})};
    for (int32_t i = 0; i < 60; ++i) {
      std::vector<int32_t> source;
      std::vector<int32_t> target;
      for (int32_t word = 0; word < 4; ++word) {
        source.push_back(5 + (i * 7 + word * word * (i + 1)) % 10);
        target.insert(target.begin(), source.back() + 10);
      }
      corpus_.Add(source, target);
    }
  }

  static std::shared_ptr<const Tokenizer> Train(const std::vector<std::string>& text) {
    TokenizerConfig config;
    config.vocab_size = kVocabulary;
    config.character_coverage = 1.0;
    config.byte_fallback = true;
    return Tokenizer::FromBytes(TrainTokenizer(config, text), "words");
  }

  Shortlist Learn(int64_t per_token, int64_t frequent) const {
    return Shortlist::Learn(corpus_, tokenizers_, {.per_token = per_token, .frequent = frequent},
                            {});
  }

  static constexpr int64_t kVocabulary = 271;
  TokenizerPair tokenizers_;
  MemoryCorpus corpus_;
};

TEST_F(ShortlistTest, FindsWhatATokenStandsFor) {
  const Shortlist shortlist = Learn(/*per_token=*/1, /*frequent=*/0);
  for (int32_t token = 5; token < 15; ++token) {
    const std::vector<std::vector<int32_t>> sources = {{token}};
    EXPECT_THAT(shortlist.TokensFor(sources), Contains(token + 10));
    EXPECT_LE(shortlist.TokensFor(sources).size(), 3U) << "besides itself and </s>";
  }
}

TEST_F(ShortlistTest, TheEndOfASentenceIsAlwaysThere) {
  const std::vector<std::vector<int32_t>> sources = {{7}};
  const int32_t eos = tokenizers_.target->special().eos;
  EXPECT_THAT(Learn(1, 0).TokensFor(sources), Contains(eos));
  EXPECT_THAT(Learn(1, 0).TokensFor({}), ElementsAre(eos));
}

TEST_F(ShortlistTest, TokensAreAscendingWithoutRepeats) {
  const std::vector<std::vector<int32_t>> sources = {{5, 6}, {6, 7}};
  const auto tokens = Learn(5, 5).TokensFor(sources);
  for (size_t i = 1; i < tokens.size(); ++i) EXPECT_LT(tokens[i - 1], tokens[i]);
}

TEST_F(ShortlistTest, IsRestoredFromItsText) {
  const Shortlist shortlist = Learn(3, 4);
  const std::string text = shortlist.Text(tokenizers_);
  EXPECT_EQ(Shortlist::Parse(text, tokenizers_, "list").Text(tokenizers_), text);
}

TEST_F(ShortlistTest, RefusesWhatItDidNotWrite) {
  const auto error = [&](const std::string& text) {
    return UsageErrorOf([&] { Shortlist::Parse(text, tokenizers_, "list"); });
  };
  const std::string text = Learn(3, 4).Text(tokenizers_);
  EXPECT_THAT(error(""), HasSubstr("list: is not a shortlist"));
  EXPECT_THAT(error("\x7F"
                    "ELF"),
              HasSubstr("list: is not a shortlist"));
  EXPECT_THAT(error(text.substr(0, text.size() / 2)), HasSubstr("list: has "));
  EXPECT_THAT(error(text + "1\n"), HasSubstr(" lines instead of "));
  const size_t second_line = text.find('\n') + 1;
  for (const std::string ids : {"271", "-1", "1  2", "1 ", " 1", "a", "99999999999", "1,2"}) {
    const std::string changed = fmt::format("{}{}{}", text.substr(0, second_line), ids,
                                            text.substr(text.find('\n', second_line)));
    EXPECT_THAT(error(changed), HasSubstr("list:2: is not a list of ids below 271")) << ids;
  }
  TokenizerPair others = tokenizers_;
  std::swap(others.source, others.target);
  EXPECT_THAT(UsageErrorOf([&] { Shortlist::Parse(text, others, "list"); }),
              HasSubstr("was learned for other tokenizers"));
}

TEST_F(ShortlistTest, ReportsEveryPair) {
  int64_t last = 0;
  Shortlist::Learn(corpus_, tokenizers_, {}, [&](int64_t done) { last = done; });
  EXPECT_EQ(last, Shortlist::PairsToRead(corpus_));
}

}  // namespace
}  // namespace wavemt
