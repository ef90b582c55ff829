#include "data/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "../support/gzip.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "data/tokenizer_trainer.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> Joined(const std::vector<SentencePair>& pairs) {
  std::vector<std::string> joined;
  joined.reserve(pairs.size());
  for (const SentencePair& pair : pairs) joined.push_back(pair.source + "=" + pair.target);
  return joined;
}

class CorpusTest : public testing::Test {
 protected:
  ParallelFiles Sides(const std::string& source, const std::string& target) const {
    return {.source = {folder_.Write("a.en", source)},
            .target = {folder_.Write("a.zh", target)},
            .tsv = {}};
  }
  ParallelFiles Tsv(const std::string& text) const {
    return {.source = {}, .target = {}, .tsv = {folder_.Write("a.tsv", text)}};
  }
  std::string Path(const std::string& name) const { return folder_.path() / name; }

  TemporaryFolder folder_;
};

TEST_F(CorpusTest, PairsLineWithLine) {
  EXPECT_THAT(Joined(ReadParallel(Sides("one\n\nthree", "1\n2\n3\n"))),
              ElementsAre("one=1", "=2", "three=3"));
  EXPECT_THAT(ReadParallel(Sides("", "")), IsEmpty());
}

TEST_F(CorpusTest, ReadsFileAfterFile) {
  ParallelFiles files = Sides("one\n", "1\n");
  files.source.push_back(folder_.Write("empty.en", ""));
  files.target.push_back(folder_.Write("empty.zh", ""));
  files.source.push_back(folder_.Write("b.en.gz", Gzip("two\nthree\n")));
  files.target.push_back(folder_.Write("b.zh", "2\n3"));
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("one=1", "two=2", "three=3"));
}

TEST_F(CorpusTest, ReadsTsv) {
  ParallelFiles files = Tsv("one\t1\n\t2\nthree\t\n");
  files.tsv.push_back(folder_.Write("b.tsv.gz", Gzip("four\t4")));
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("one=1", "=2", "three=", "four=4"));
}

TEST_F(CorpusTest, ABlankTsvLineIsABlankPair) {
  EXPECT_THAT(Joined(ReadParallel(Tsv("one\t1\n\ntwo\t2\n \t\r\n\n"))),
              ElementsAre("one=1", "=", "two=2", "=", "="));
}

TEST_F(CorpusTest, IgnoresOtherTsvColumns) {
  ParallelFiles files = Tsv("id\tone\t1\tCC-BY\nid\ttwo\t2\t\n");
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("id=one", "id=two"));
  files.tsv_columns = {2, 3};
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("one=1", "two=2"));
  files.tsv_columns = {3, 2};
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("1=one", "2=two"));
  files.tsv_columns = {2, 4};
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("one=CC-BY", "two="));

  ParallelReader reader(files);
  SentencePair pair;
  EXPECT_FALSE(reader.left_columns_out());
  ASSERT_TRUE(reader.Next(&pair));
  EXPECT_TRUE(reader.left_columns_out());
  ParallelReader two_columns(Tsv("one\t1\n"));
  ASSERT_TRUE(two_columns.Next(&pair));
  EXPECT_FALSE(two_columns.left_columns_out());
}

// The text after the tab would be lost.
TEST_F(CorpusTest, NamesTheTsvLineWithATabInItsText) {
  EXPECT_EQ(
      UsageErrorOf([&] { ReadParallel(Tsv("\none\t1\ntwo\tzwei\tdrei\n")); }),
      Path("a.tsv") + ": line 3: has 3 columns where the first line has 2; is a tab in the text?");
  // Later lines may have fewer columns.
  EXPECT_THAT(Joined(ReadParallel(Tsv("one\t1\tCC-BY\ntwo\t2\n"))), ElementsAre("one=1", "two=2"));
  // Each file may have its own number of columns.
  ParallelFiles files = Tsv("one\t1\n");
  files.tsv.push_back(folder_.Write("b.tsv", "two\t2\tCC-BY\n"));
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("one=1", "two=2"));
}

TEST_F(CorpusTest, NamesTheTsvLineThatLacksAColumn) {
  EXPECT_EQ(
      UsageErrorOf([&] { ReadParallel(Tsv("one\t1\nno tab\n")); }),
      Path("a.tsv") +
          ": line 2: has one column, but source and target are columns 1 and 2 (tsv_columns), "
          "with a tab between columns");
  ParallelFiles files = Tsv("one\t1\n");
  files.tsv_columns = {1, 3};
  EXPECT_EQ(UsageErrorOf([&] { ReadParallel(files); }),
            Path("a.tsv") +
                ": line 1: has 2 columns, but source and target are columns 1 and 3 (tsv_columns), "
                "with a tab between columns");
}

TEST_F(CorpusTest, RefusesSidesOfDifferentLengthWithBothCounts) {
  EXPECT_EQ(UsageErrorOf([&] { ReadParallel(Sides("1\n2\n3\n4\n5\n", "1\n2\n3\n")); }),
            Path("a.en") + " has 5 lines but " + Path("a.zh") +
                " has 3; line n of one must translate line n of the other");
  EXPECT_EQ(UsageErrorOf([&] { ReadParallel(Sides("", "1\n")); }),
            Path("a.zh") + " has 1 lines but " + Path("a.en") +
                " has 0; line n of one must translate line n of the other");
}

TEST_F(CorpusTest, RefusesDifferentLengthsThoughTheSumsAgree) {
  ParallelFiles files = Sides("1\n2\n", "1\n");
  files.source.push_back(folder_.Write("b.en", "3\n"));
  files.target.push_back(folder_.Write("b.zh", "2\n3\n"));
  EXPECT_NE(UsageErrorOf([&] { ReadParallel(files); }), "no error");
}

TEST_F(CorpusTest, OneMoreBlankLineIsADifference) {
  EXPECT_EQ(UsageErrorOf([&] { ReadParallel(Sides("1\n2\n\n", "1\n2\n")); }),
            Path("a.en") + " has 3 lines but " + Path("a.zh") +
                " has 2; line n of one must translate line n of the other");
  EXPECT_NE(UsageErrorOf([&] { ReadParallel(Sides("\n", "")); }), "no error");
  // A missing newline at the end of a file is not a difference.
  EXPECT_THAT(Joined(ReadParallel(Sides("1\n2", "1\n2\n"))), ElementsAre("1=1", "2=2"));
}

TEST_F(CorpusTest, AByteOrderMarkIsNotPartOfASentence) {
  EXPECT_THAT(Joined(ReadParallel(Sides("\uFEFFone\n", "1\n"))), ElementsAre("one=1"));
  EXPECT_THAT(Joined(ReadParallel(Sides("one\n", "\uFEFF1\n"))), ElementsAre("one=1"));
  EXPECT_THAT(Joined(ReadParallel(Tsv("\uFEFFone\t1\n"))), ElementsAre("one=1"));
  ParallelFiles files = Sides("\uFEFFone\r\n", "\uFEFF1\r\n");
  files.source.push_back(folder_.Write("b.en", "\uFEFFtwo\n"));
  files.target.push_back(folder_.Write("b.zh", "\uFEFF2\n"));
  EXPECT_THAT(Joined(ReadParallel(files)), ElementsAre("one=1", "two=2"));
}

TEST_F(CorpusTest, RefusesAPipe) {
  const ParallelFiles files = Sides("one\n", "1\n");
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  const std::string message =
      Path("pipe") + ": is a pipe or a device; a corpus is read several times, write it to a file";
  const auto read = [](const ParallelFiles& of) { return UsageErrorOf([&] { ReadParallel(of); }); };
  EXPECT_EQ(read({.source = {Path("pipe")}, .target = files.target, .tsv = {}}), message);
  EXPECT_EQ(read({.source = files.source, .target = {Path("pipe")}, .tsv = {}}), message);
  EXPECT_EQ(read({.source = {}, .target = {}, .tsv = {Path("pipe")}}), message);
}

// A side grows by a line just before its end is read.
TEST_F(CorpusTest, RefusesASideThatChangesWhileItIsRead) {
  for (const std::string name : {"a.en", "a.zh"}) {
    const ParallelFiles files = Sides("one\ntwo\n", "1\n2\n");
    ParallelReader reader(files);
    SentencePair pair;
    ASSERT_TRUE(reader.Next(&pair));
    std::ofstream(Path(name), std::ios::app) << "more\n";
    EXPECT_THAT(UsageErrorOf([&] {
                  while (reader.Next(&pair)) {
                  }
                }),
                testing::StartsWith(Path(name) + ": after line 2: the file was changed"));
  }
}

TEST_F(CorpusTest, NamesAMissingFileAndALineThatIsNotUtf8) {
  ParallelFiles files = Sides("one\n", "1\n");
  files.target = {Path("missing.zh")};
  EXPECT_EQ(UsageErrorOf([&] { ReadParallel(files); }), Path("missing.zh") + ": no such file");
  EXPECT_EQ(UsageErrorOf([&] { ReadParallel(Sides("1\n2\n", "1\n\x80\n")); }),
            Path("a.zh") + ": line 2: invalid UTF-8 at byte 1 of the line");
}

TEST_F(CorpusTest, ReadsTheWeightOfEachPair) {
  const ParallelFiles files = Sides("one\n\nthree\n", "1\n\n3\n");
  const auto weights_of = [&](const std::string& text) {
    ParallelReader reader(files, InvalidUtf8::kRefuse, {folder_.Write("weights", text)});
    std::vector<float> weights;
    for (SentencePair pair; reader.Next(&pair);) weights.push_back(pair.weight);
    return weights;
  };
  EXPECT_THAT(weights_of("0.5\n 1e-3 \r\n7\n"), ElementsAre(0.5F, 1e-3F, 7.0F));
  EXPECT_THAT(weights_of("0\n0\n0\n"), ElementsAre(0.0F, 0.0F, 0.0F));
  const auto refusal = [&](const std::string& text) {
    return UsageErrorOf([&] { weights_of(text); });
  };
  // What a float cannot hold counts as 0.
  EXPECT_THAT(weights_of("1e-60\n1\n1\n"), ElementsAre(0.0F, 1.0F, 1.0F));
  for (const std::string wrong : {"-1", "x", "", "1 2", "inf", "nan", "1,5", "1e99"}) {
    EXPECT_EQ(refusal("1\n" + wrong + "\n1\n"),
              Path("weights") + ": line 2: \"" + wrong +
                  "\" is not the weight of a pair: a number of at least 0");
  }
  EXPECT_EQ(refusal("1\n1\n"),
            Path("a.en") + " has 3 lines but " + Path("weights") +
                " has 2; line n of one must have the weight of pair n of the other");
  EXPECT_EQ(refusal("1\n1\n1\n1\n1\n"),
            Path("weights") + " has 5 lines but " + Path("a.en") +
                " has 3; line n of one must have the weight of pair n of the other");
}

TEST_F(CorpusTest, SamplesOnlyWhatTheFilterKeeps) {
  TrainingCorpus corpus = {.files = Sides("one\ntwo\n", "1\ntwo\n")};
  corpus.filter.remove_copies = true;
  const SentenceSample sample = {.source = true, .target = true, .limit = 10, .seed = 1};
  EXPECT_THAT(SampleSentences({corpus}, sample), UnorderedElementsAre("one", "1"));
}

TEST_F(CorpusTest, SamplesNoDuplicatesThatAreLeftOutAndNothingOfWeightZero) {
  TrainingCorpus corpus = {.files = Sides("one\none\ntwo\n", "1\n1\n2\n")};
  const SentenceSample sample = {.source = true, .target = false, .limit = 10, .seed = 1};
  EXPECT_THAT(SampleSentences({corpus}, sample), UnorderedElementsAre("one", "one", "two"));
  corpus.filter.remove_duplicates = true;
  EXPECT_THAT(SampleSentences({corpus}, sample), UnorderedElementsAre("one", "two"));
  corpus.weights = {folder_.Write("weights", "0\n2\n0\n")};
  EXPECT_THAT(SampleSentences({corpus}, sample), UnorderedElementsAre("one"));
}

TEST_F(CorpusTest, SamplesFromAllCorpora) {
  TrainingCorpus first = {.files = Sides("one\n", "1\n")};
  TrainingCorpus second = {.files = Tsv("two\t2\n")};
  const SentenceSample sample = {.source = true, .target = false, .limit = 10, .seed = 1};
  EXPECT_THAT(SampleSentences({first, second}, sample), UnorderedElementsAre("one", "two"));
}

TEST_F(CorpusTest, SamplesTheChosenSidesWithoutBlankLines) {
  const ParallelFiles files = Sides("one\n \t\ntwo\n", "1\n2\n\n");
  const auto sample = [&](bool source, bool target) {
    return SampleSentences({{.files = files}},
                           {.source = source, .target = target, .limit = 10, .seed = 1});
  };
  EXPECT_THAT(sample(true, false), UnorderedElementsAre("one", "two"));
  EXPECT_THAT(sample(false, true), UnorderedElementsAre("1", "2"));
  EXPECT_THAT(sample(true, true), UnorderedElementsAre("one", "two", "1", "2"));
}

// SentencePiece would skip them, too, but only after all were read into memory.
TEST_F(CorpusTest, SamplesNoLineThatIsTooLongForAVocabulary) {
  const std::string longest(kLongestTrainingSentence, 'x');
  const ParallelFiles files = Sides(longest + "\nx" + longest + "\n", "1\n2\n");
  const auto sample = SampleSentences({{.files = files}},
                                      {.source = true, .target = false, .limit = 10, .seed = 1});
  EXPECT_THAT(sample, ElementsAre(longest));
}

TEST_F(CorpusTest, TheSameSeedGivesTheSameSample) {
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += std::to_string(i) + "\n";
  const ParallelFiles files = Sides(lines, lines);
  const auto sample = [&](uint64_t seed) {
    return SampleSentences({{.files = files}},
                           {.source = true, .target = true, .limit = 50, .seed = seed});
  };
  EXPECT_EQ(sample(1).size(), 50);
  EXPECT_EQ(sample(1), sample(1));
  EXPECT_NE(sample(1), sample(2));
}

TEST_F(CorpusTest, EverySentenceIsSampledEquallyOften) {
  const ParallelFiles files = Sides("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", "\n\n\n\n\n\n\n\n\n\n");
  std::map<std::string, int> counts;
  constexpr int kMean = 900;
  for (uint64_t seed = 0; seed < kMean * 10ULL / 3; ++seed) {
    for (const std::string& sentence : SampleSentences(
             {{.files = files}}, {.source = true, .target = true, .limit = 3, .seed = seed})) {
      ++counts[sentence];
    }
  }
  ASSERT_EQ(counts.size(), 10);
  // Within five standard deviations of the binomial distribution.
  for (const auto& [sentence, count] : counts) EXPECT_NEAR(count, kMean, 126) << sentence;
}

}  // namespace
}  // namespace wavemt
