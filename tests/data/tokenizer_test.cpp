#include "data/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../support/gzip.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "data/sentencepiece_model.h"
#include "sentencepiece_model_with.h"
#include "synthetic_text.h"

namespace wavemt {
namespace {

using testing::IsEmpty;
using testing::StartsWith;

TEST(TokenizerTest, SymbolsThatUsersDefineStayWhole) {
  TokenizerConfig config;
  config.vocab_size = 70;
  config.byte_fallback = false;
  // The comma and the quotation mark are those of SentencePiece's own list.
  config.user_defined_symbols = {"<2de>", "a,b", "\"q\"", "kalo"};
  const auto tokenizer =
      Tokenizer::FromBytes(TrainTokenizer(config, SyntheticSentences(300)), "trained");
  for (const std::string& symbol : config.user_defined_symbols) {
    EXPECT_TRUE(tokenizer->IsUserDefined(symbol)) << symbol;
    ASSERT_TRUE(tokenizer->FindPiece(symbol)) << symbol;
    const std::vector<int32_t> ids = tokenizer->Encode("mi" + symbol + "su");
    EXPECT_EQ(std::count(ids.begin(), ids.end(), *tokenizer->FindPiece(symbol)), 1) << symbol;
    EXPECT_EQ(tokenizer->Decode(ids), "mi" + symbol + "su");
  }
  EXPECT_FALSE(tokenizer->IsUserDefined("<s>"));
  EXPECT_FALSE(tokenizer->IsUserDefined("mi"));
}

// So a tag that is typed before a line means the same as one that training put before its ids.
TEST(TokenizerTest, ATagBeforeATextLeavesItsTokensAlone) {
  TokenizerConfig config;
  config.vocab_size = 70;
  config.byte_fallback = false;
  config.user_defined_symbols = {"<2de>", "<web>"};
  for (const auto type : {TokenizerType::kUnigram, TokenizerType::kBpe}) {
    config.type = type;
    const auto tokenizer =
        Tokenizer::FromBytes(TrainTokenizer(config, SyntheticSentences(300)), "trained");
    std::vector<int32_t> expected = tokenizer->Encode("<2de> <web>");
    for (const int32_t id : tokenizer->Encode("kalo mi su")) expected.push_back(id);
    EXPECT_EQ(tokenizer->Encode("<2de> <web> kalo mi su"), expected);
  }
}

TEST(TokenizerTest, ReadsTheSentencePieceOptionsFromTheModel) {
  const auto tokenizer = Tokenizer::FromBytes(
      ModelWith({{"pad_id", "4"}, {"unk_id", "2"}, {"bos_id", "3"}, {"eos_id", "1"}}), "x.model");
  EXPECT_EQ(tokenizer->special().pad, 4);
  EXPECT_EQ(tokenizer->special().unk, 2);
  EXPECT_EQ(tokenizer->special().bos, 3);
  EXPECT_EQ(tokenizer->special().eos, 1);
  EXPECT_EQ(tokenizer->vocab_size(), 60);
}

TEST(TokenizerTest, EosReplacesMissingBosAndPad) {
  const auto tokenizer = Tokenizer::FromBytes(
      ModelWith({{"pad_id", "-1"}, {"bos_id", "-1"}, {"eos_id", "0"}, {"unk_id", "1"}}), "x.model");
  EXPECT_EQ(tokenizer->special().bos, 0);
  EXPECT_EQ(tokenizer->special().pad, 0);
  EXPECT_EQ(tokenizer->special().eos, 0);
  EXPECT_EQ(tokenizer->special().unk, 1);
}

TEST(TokenizerTest, NormalizesWhitespaceOnRequest) {
  const std::string model = ModelWith({{"normalization_rule_name", "identity"}});
  const auto plain = Tokenizer::FromBytes(model, "x.model");
  const auto normalizing = Tokenizer::FromBytes(model, "x.model", {.normalize_whitespace = true});
  const std::string odd = "\u200Bka\u00A0\tmi ";
  EXPECT_EQ(normalizing->Normalize(odd), "ka mi");
  EXPECT_EQ(normalizing->Encode(odd), plain->Encode("ka mi"));
  EXPECT_EQ(normalizing->EncodePieces(odd), plain->EncodePieces("ka mi"));
  EXPECT_EQ(plain->Normalize(odd), odd);
  EXPECT_NE(plain->Encode(odd), plain->Encode("ka mi"));
  for (const auto& tokenizer : {plain, normalizing}) {
    EXPECT_EQ(tokenizer->Normalize(" \u3000 "), "");
    EXPECT_THAT(tokenizer->Encode(" \u3000 "), IsEmpty());
  }
  EXPECT_THAT(normalizing->Encode("\u200B"), IsEmpty());
}

TEST(TokenizerTest, RefusesAModelWithoutEos) {
  const std::string bytes = ModelWith({{"eos_id", "-1"}});
  EXPECT_EQ(UsageErrorOf([&] { Tokenizer::FromBytes(bytes, "x.model"); }),
            "x.model: has no </s> piece, so no sentence could end; train it with an eos_id");
}

TEST(TokenizerTest, RefusesBytesThatAreNotAModel) {
  const TemporaryFolder folder;
  const std::string model = ModelWith({});
  for (const std::string& bytes : {std::string(), std::string("text"), std::string(1000, '\xFF'),
                                   model.substr(0, model.size() / 2)}) {
    const std::string path = folder.Write("x.model", bytes);
    EXPECT_THAT(UsageErrorOf([&] { Tokenizer::FromFile(path); }),
                StartsWith(path + ": is not a SentencePiece model"));
  }
}

TEST(TokenizerTest, SaysWhatTheFileSeemsToBeInstead) {
  const auto refusal = [](std::string_view bytes) {
    return UsageErrorOf([&] { CheckSentencePieceModel(bytes, "x.model"); });
  };
  const std::string no_model = "x.model: is not a SentencePiece model; it ";
  const std::string advice = "; name the .model file of a SentencePiece tokenizer";
  EXPECT_EQ(refusal(""), no_model + "is empty");
  EXPECT_EQ(refusal("{\n  \"version\": \"1.0\"}"),
            no_model + "seems to be JSON, such as a tokenizer.json of Hugging Face" + advice);
  EXPECT_EQ(refusal("<unk>\t0\n\u2581the\t-3.5\n"),
            no_model + "seems to be text, such as a list of pieces" + advice);
  EXPECT_EQ(refusal(Gzip(ModelWith({}))),
            no_model + "is gzip-compressed; unpack it first with: gzip -d");
  EXPECT_EQ(refusal(std::string(1000, '\xFF')), "x.model: is not a SentencePiece model");
}

TEST(TokenizerTest, NamesAMissingFile) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "missing.model";
  EXPECT_EQ(UsageErrorOf([&] { Tokenizer::FromFile(path); }), path + ": no such file");
}

TEST(TokenizerTest, KeepsTheBytesOfTheModel) {
  const TemporaryFolder folder;
  const std::string bytes = ModelWith({});
  EXPECT_EQ(Tokenizer::FromFile(folder.Write("x.model", bytes))->bytes(), bytes);
}

TEST(TokenizerTest, DecodesWhatItEncoded) {
  const auto tokenizer = SyntheticTokenizer();
  for (const std::string& sentence : SyntheticSentences(500, 2)) {
    const std::vector<int32_t> ids = tokenizer->Encode(sentence);
    ASSERT_EQ(tokenizer->Decode(ids), sentence);
    ASSERT_EQ(tokenizer->DecodePieces(tokenizer->EncodePieces(sentence)), sentence);
    for (const int32_t id : ids) {
      ASSERT_GE(id, 0);
      ASSERT_LT(id, tokenizer->vocab_size());
    }
  }
}

TEST(TokenizerTest, ABlankTextHasNoIds) {
  const auto tokenizer = SyntheticTokenizer();
  EXPECT_THAT(tokenizer->Encode(""), IsEmpty());
  EXPECT_THAT(tokenizer->Encode("  "), IsEmpty());
  EXPECT_EQ(tokenizer->Decode({}), "");
}

TEST(TokenizerTest, SentenceMarksAndPaddingHaveNoText) {
  const auto tokenizer = SyntheticTokenizer();
  const SpecialTokens& special = tokenizer->special();
  std::vector<int32_t> ids = tokenizer->Encode("kalo mi");
  ids.insert(ids.begin(), special.bos);
  ids.push_back(special.eos);
  ids.push_back(special.pad);
  EXPECT_EQ(tokenizer->Decode(ids), "kalo mi");
}

TEST(TokenizerTest, ByteFallbackKeepsEveryCharacter) {
  TokenizerConfig config;
  config.vocab_size = 330;
  const auto tokenizer =
      Tokenizer::FromBytes(TrainTokenizer(config, SyntheticSentences(300)), "x.model");
  for (const std::string text :
       {"🌊", "kalo 🌊🏄‍♀️ mi", "波は、「高い」！", "ﬁ Å Å", "\u00ad\u200bx"}) {
    const std::vector<int32_t> ids = tokenizer->Encode(text);
    EXPECT_EQ(tokenizer->Decode(ids), text);
    EXPECT_THAT(ids, testing::Not(testing::Contains(tokenizer->special().unk)));
  }
}

TEST(TokenizerTest, WithoutByteFallbackAnUnknownCharacterIsUnk) {
  const auto tokenizer = SyntheticTokenizer();
  EXPECT_THAT(tokenizer->Encode("🌊"), testing::Contains(tokenizer->special().unk));
}

TEST(TokenizerTest, ManyThreadsMayEncodeAtOnce) {
  const auto tokenizer = SyntheticTokenizer();
  const std::vector<std::string> sentences = SyntheticSentences(300, 3);
  const auto encode_all = [&] {
    std::vector<std::vector<int32_t>> ids;
    ids.reserve(sentences.size());
    for (const std::string& sentence : sentences) ids.push_back(tokenizer->Encode(sentence));
    return ids;
  };
  const auto expected = encode_all();
  std::vector<std::vector<std::vector<int32_t>>> results(4);
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (auto& result : results) threads.emplace_back([&] { result = encode_all(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(results, testing::Each(expected));
}

TEST(TokenizerPairTest, IsSharedWhereBothSidesAreOneObject) {
  const auto one = SyntheticTokenizer();
  const auto other = SyntheticTokenizer();
  EXPECT_TRUE((TokenizerPair{.source = one, .target = one}).shared());
  EXPECT_FALSE((TokenizerPair{.source = one, .target = other}).shared());
}

TEST(TokenizerTest, IsTooLongIsFalseForATextThatFits) {
  const auto tokenizer = SyntheticTokenizer();
  for (const std::string& sentence : SyntheticSentences(200, 8)) {
    std::string text;
    // Kilobytes of text, so that its size is close to the limit.
    for (int i = 0; i < 200; ++i) text += sentence + " ";
    const auto tokens = static_cast<int64_t>(tokenizer->Encode(text).size());
    EXPECT_FALSE(tokenizer->IsTooLong(text, tokens));
  }
  EXPECT_FALSE(tokenizer->IsTooLong("", 0));
  EXPECT_FALSE(tokenizer->IsTooLong("ka", 0));
}

// A piece of 3000 bytes is a single token.
TEST(TokenizerTest, IsTooLongConsidersTheLongestPiece) {
  const std::string symbol(3000, '#');
  const auto tokenizer =
      Tokenizer::FromBytes(ModelWith({{"user_defined_symbols", symbol}}), "x.model");
  ASSERT_EQ(tokenizer->Encode(symbol + symbol).size(), 3U);
  EXPECT_FALSE(tokenizer->IsTooLong(symbol + symbol, 2));
  EXPECT_TRUE(tokenizer->IsTooLong(symbol + symbol, 1));
}

TEST(TokenizerTest, IsTooLongDetectsALineOfMegabytes) {
  const auto tokenizer = SyntheticTokenizer();
  EXPECT_TRUE(tokenizer->IsTooLong(std::string(5'000'000, 'k'), 4000));
  EXPECT_TRUE(tokenizer->IsTooLong(std::string(5'000'000, ' '), 4000));
  EXPECT_FALSE(tokenizer->IsTooLong(std::string(5'000'000, 'k'), 5000));
}

}  // namespace
}  // namespace wavemt
