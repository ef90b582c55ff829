#include "data/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "../support/thrown_error.h"
#include "data/tokenizer.h"
#include "data/tokenizer_trainer.h"
#include "synthetic_text.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(VocabularyTest, IsATableOfPiecesAndIds) {
  const auto vocabulary =
      Vocabulary::FromBytes(R"({"</s>": 0, "<unk>": 1, "é": 3, "<pad>": 4, "a": 2})", "v.json");
  EXPECT_EQ(vocabulary->size(), 5);
  EXPECT_EQ(vocabulary->Find("é"), 3);
  EXPECT_EQ(vocabulary->Find("b"), std::nullopt);
  EXPECT_EQ(vocabulary->Piece(2), "a");
  EXPECT_EQ(vocabulary->special().eos, 0);
  EXPECT_EQ(vocabulary->special().unk, 1);
  EXPECT_EQ(vocabulary->special().pad, 4);
  EXPECT_EQ(vocabulary->special().bos, 4);
}

TEST(VocabularyTest, TextIsReadBack) {
  const std::vector<std::string> pieces = {"</s>", "<unk>", "\"", "\\", "\n", "é", "<pad>"};
  const auto vocabulary = Vocabulary::FromBytes(VocabularyText(pieces), "v.json");
  for (size_t id = 0; id < pieces.size(); ++id) {
    EXPECT_EQ(vocabulary->Piece(static_cast<int32_t>(id)), pieces[id]);
  }
}

TEST(VocabularyTest, ManyPieces) {
  std::vector<std::string> pieces = {"</s>", "<unk>", "<pad>"};
  for (int i = 0; i < 100'000; ++i) pieces.push_back(fmt::format("piece {}", i));
  EXPECT_EQ(Vocabulary::FromBytes(VocabularyText(pieces), "v.json")->Find("piece 99999"), 100'002);
}

TEST(VocabularyTest, NamesWhatIsWrong) {
  const auto refusal = [](const char* text) {
    return UsageErrorOf([&] { Vocabulary::FromBytes(text, "v.json"); });
  };
  EXPECT_EQ(refusal("7"), "v.json: is not a vocabulary, an object of pieces and ids {...}");
  EXPECT_THAT(refusal(R"({"a": 1.5})"), HasSubstr(R"(the id of "a" is not a whole number)"));
  EXPECT_THAT(refusal(R"({"a": [0]})"), HasSubstr(R"(the id of "a" is not a whole number)"));
  EXPECT_THAT(refusal(R"({"a": 0, "a": 0})"), HasSubstr(R"(the piece "a" appears twice)"));
  EXPECT_THAT(refusal(R"({"a": 1})"), HasSubstr(R"("a" has 1)"));
  EXPECT_THAT(refusal(R"({"<pad>": 0, "<unk>": 1})"), HasSubstr("lacks the piece </s>"));
  EXPECT_THAT(refusal(R"({"a": 0)"), HasSubstr("v.json"));
  EXPECT_THAT(refusal(R"({"a\u0000b": 0})"), HasSubstr("holds a NUL byte"));
}

TEST(LanguageCodeTest, BeginsAText) {
  EXPECT_EQ(LanguageCodeOf(">>deu<< A cat."), ">>deu<<");
  EXPECT_EQ(LanguageCodeOf(">>deu<<"), ">>deu<<");
  EXPECT_EQ(LanguageCodeOf(" >>deu<< A cat."), "");
  EXPECT_EQ(LanguageCodeOf(">>deu"), "");
  EXPECT_EQ(LanguageCodeOf(""), "");
}

class TokenizerWithVocabularyTest : public testing::Test {
 protected:
  TokenizerWithVocabularyTest() {
    TokenizerConfig config;
    config.vocab_size = 60;
    config.byte_fallback = false;
    model_ = TrainTokenizer(config, SyntheticSentences(300));
    plain_ = Tokenizer::FromBytes(model_, "x.model");
    // All pieces of the model but one, backwards.
    for (auto id = static_cast<int32_t>(plain_->vocab_size()) - 1; id > 3; --id) {
      pieces_.push_back(plain_->PieceOf(id));
    }
    left_out_ = pieces_.back();
    pieces_.back() = ">>deu<<";
    pieces_.insert(pieces_.end(), {"</s>", "<unk>", "<pad>"});
    vocabulary_ = Vocabulary::FromBytes(VocabularyText(pieces_), "v.json");
    tokenizer_ = Tokenizer::FromBytes(model_, "x.model", {}, vocabulary_);
  }

  std::string model_;
  std::shared_ptr<const Tokenizer> plain_;
  std::vector<std::string> pieces_;
  std::string left_out_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

TEST_F(TokenizerWithVocabularyTest, GivesTheIdsOfTheTable) {
  EXPECT_EQ(tokenizer_->vocab_size(), static_cast<int64_t>(pieces_.size()));
  bool has_unknown = false;
  for (const std::string& text : SyntheticSentences(50)) {
    const std::vector<std::string> pieces = plain_->EncodePieces(text);
    EXPECT_EQ(tokenizer_->EncodePieces(text), pieces);
    const std::vector<int32_t> ids = tokenizer_->Encode(text);
    ASSERT_EQ(ids.size(), pieces.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool is_left_out = pieces[i] == left_out_;
      has_unknown = has_unknown || is_left_out;
      EXPECT_EQ(tokenizer_->PieceOf(ids[i]), is_left_out ? "<unk>" : pieces[i]);
    }
    if (std::ranges::find(pieces, left_out_) == pieces.end()) {
      EXPECT_EQ(tokenizer_->Decode(ids), text);
    }
  }
  EXPECT_TRUE(has_unknown);
}

TEST_F(TokenizerWithVocabularyTest, ALanguageCodeIsOneToken) {
  const std::string text = SyntheticSentences(1).front();
  std::vector<int32_t> expected = tokenizer_->Encode(text);
  expected.insert(expected.begin(), *vocabulary_->Find(">>deu<<"));
  EXPECT_EQ(tokenizer_->Encode(">>deu<< " + text), expected);
  expected.front() = tokenizer_->special().unk;
  EXPECT_EQ(tokenizer_->Encode(">>fra<<" + text), expected);
  EXPECT_THAT(tokenizer_->Encode(">>deu<<"), ElementsAre(*vocabulary_->Find(">>deu<<")));
  EXPECT_THAT(tokenizer_->Encode(" "), IsEmpty());
}

TEST_F(TokenizerWithVocabularyTest, SpecialPiecesHaveNoText) {
  const SpecialTokens& special = tokenizer_->special();
  const std::vector<int32_t> ids = {special.pad, special.unk, special.eos};
  EXPECT_EQ(tokenizer_->Decode(ids), "");
}

}  // namespace
}  // namespace wavemt
