#include "data/cleaning/corpus_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "data/cleaning/corpus_filter.h"
#include "data/file_language.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class CorpusReportTest : public testing::Test {
 protected:
  ParallelFiles Tsv(const std::string& name, const std::string& text) const {
    return {.source = {}, .target = {}, .tsv = {folder_.Write(name, text)}};
  }

  static std::map<std::string, int64_t> Problems(const CorpusReport& report) {
    std::map<std::string, int64_t> counts;
    for (const PairProblem problem : kPairProblems) {
      if (const int64_t count = report.Count(problem)) counts[std::string(NameOf(problem))] = count;
    }
    return counts;
  }

  TemporaryFolder folder_;
  const std::string text_ =
      "A cat.\tEine Katze.\n"
      "\n"
      "A dog \xFF.\tEin Hund.\n"
      "A cat.\tEin Kater.\n"
      "One cat.\tEine Katze.\n"
      "A  cat.\tEine Katze.\n"
      "same\tSAME\n"
      "a b c d e f g h\ti\n"
      "кот\tKatze\n"
      "25 cats\tKatzen hier\n";
  const ReportOptions usual_ = {
      .filter = RecommendedFilter(), .source_language = "en", .target_language = "de"};
};

TEST_F(CorpusReportTest, CountsEveryProblem) {
  const CorpusReport report = ReportOn(Tsv("a.tsv", text_), {}, usual_);
  EXPECT_EQ(report.pairs, 10);
  EXPECT_EQ(report.removed, 6);
  EXPECT_THAT(
      Problems(report),
      UnorderedElementsAre(testing::Pair("blank", 1), testing::Pair("bad_encoding", 1),
                           testing::Pair("duplicate", 1), testing::Pair("copy", 1),
                           testing::Pair("length_ratio", 1), testing::Pair("wrong_script", 1),
                           testing::Pair("different_numbers", 1)));
  EXPECT_EQ(report.other_targets, 1);
  EXPECT_EQ(report.other_sources, 1);
}

TEST_F(CorpusReportTest, MeasuresBothSides) {
  const CorpusReport report =
      ReportOn(Tsv("a.tsv", "a b\tc\n\n1 2 3 4 5 6\tx y\nein\tx y z ä\n"), {}, usual_);
  EXPECT_EQ(report.source.texts(), 3);
  EXPECT_EQ(report.source.words(), 9);
  EXPECT_EQ(report.source.characters(), 17);
  EXPECT_EQ(report.target.characters(), 11);
  EXPECT_EQ(report.source.shortest(), 1);
  EXPECT_EQ(report.source.longest(), 6);
  EXPECT_DOUBLE_EQ(report.source.mean(), 3);
  EXPECT_DOUBLE_EQ(report.source.median(), 2);
  const auto lengths = report.source.Histogram();
  EXPECT_EQ(lengths[0].count, 2);
  EXPECT_EQ(lengths[1].from, 5);
  EXPECT_EQ(lengths[1].count, 1);
  std::map<double, int64_t> ratios;
  for (const auto& bin : report.ratio.histogram()) {
    if (bin.count > 0) ratios[bin.from] = bin.count;
  }
  EXPECT_THAT(ratios, UnorderedElementsAre(testing::Pair(0.25, 1), testing::Pair(0.5, 1),
                                           testing::Pair(4, 1)));
}

TEST_F(CorpusReportTest, TheMedianOfAnEvenNumberIsBetweenTwo) {
  LengthStatistics lengths;
  EXPECT_DOUBLE_EQ(lengths.median(), 0);
  for (const int64_t words : {9, 1, 2, 5}) lengths.Add({.words = words, .characters = 1});
  EXPECT_DOUBLE_EQ(lengths.median(), 3.5);
}

TEST_F(CorpusReportTest, KeepsTheBeginningsOfTheFirstExamples) {
  constexpr auto kCopy = static_cast<size_t>(PairProblem::kCopy);
  std::string side = "x";
  for (int i = 0; i < 200; ++i) side += "ä";
  const std::string text = "a\ta\ngood\tgut\n" + side + "\t" + side + "\nc\tc\n";
  ReportOptions options = usual_;
  options.examples = 2;
  const auto copies = ReportOn(Tsv("a.tsv", text), {}, options).examples[kCopy];
  ASSERT_EQ(copies.size(), 2);
  EXPECT_EQ(copies[0].line, 1);
  EXPECT_EQ(copies[0].text.source, "a");
  EXPECT_EQ(copies[1].line, 3);
  EXPECT_EQ(copies[1].text.source.size(), 399);  // 400 would be half an "ä".
  options.examples = 0;
  EXPECT_TRUE(ReportOn(Tsv("b.tsv", "a\ta\n"), {}, options).examples[kCopy].empty());
}

TEST_F(CorpusReportTest, FindsHeldOutSentences) {
  std::vector<HeldOutSentences> held_out;
  held_out.emplace_back("one", Tsv("one.tsv", "A  cat.\tEine Katze.\n\t\nX\t\n"));
  held_out.emplace_back("two", Tsv("two.tsv", "no\tKatzen hier\n"));
  const CorpusReport report = ReportOn(Tsv("a.tsv", text_), held_out, usual_);
  EXPECT_EQ(report.Count(PairProblem::kHeldOut), 5);
  ASSERT_EQ(report.overlaps.size(), 2);
  EXPECT_EQ(report.overlaps[0].name, "one");
  EXPECT_EQ(report.overlaps[0].held_out, 3);
  EXPECT_EQ(report.overlaps[0].both, 2);
  EXPECT_EQ(report.overlaps[0].source_only, 1);
  EXPECT_EQ(report.overlaps[0].target_only, 1);
  EXPECT_EQ(report.overlaps[1].target_only, 1);
}

TEST_F(CorpusReportTest, FilteringRemovesWhatTheReportSays) {
  for (const int threads : {1, 3}) {
    std::string kept;
    std::vector<std::string> removed;
    const FilterCounts counts = FilterCorpus(
        Tsv("a.tsv", text_), {},
        {.filter = RecommendedFilter(),
         .source_language = "en",
         .target_language = "de",
         .threads = threads},
        [&](const CheckedPair& pair, std::optional<PairProblem> reason) {
          if (reason) {
            removed.push_back(std::to_string(pair.line) + " " + std::string(NameOf(*reason)));
          } else {
            kept += pair.tsv_line + "\n";
          }
        });
    EXPECT_EQ(kept,
              "A cat.\tEine Katze.\nA cat.\tEin Kater.\nOne cat.\tEine Katze.\n25 cats\tKatzen "
              "hier\n");
    EXPECT_THAT(removed, ElementsAre("2 blank", "3 bad_encoding", "6 duplicate", "7 copy",
                                     "8 length_ratio", "9 wrong_script"));
    EXPECT_EQ(counts.Summary(),
              "10 pairs: 4 kept; removed: 1 blank, 1 bad encoding, 1 length ratio, 1 wrong script, "
              "1 copy, 1 duplicate");
  }
}

// What the report says is removed, and what the filter removes.
TEST_F(CorpusReportTest, DuplicatesOfRemovedPairsAreRemovedOnlyOnce) {
  std::vector<HeldOutSentences> held_out;
  held_out.emplace_back("test", Tsv("test.tsv", "held\tout\n"));
  const ParallelFiles files = Tsv("a.tsv",
                                  "A\x02 cat.\tEine Katze.\n"
                                  "A cat.\tEine Katze.\n"
                                  "A\x02 cat.\tEine Katze.\n"
                                  "A cat.\tEine Katze.\n"
                                  "A dog.\tEin Hund.\n"
                                  "A dog.\tEin Hund.\n"
                                  "held\tnein\n"
                                  "held\tnein\n"
                                  "\t\n"
                                  "\t\n");
  for (const bool removes_duplicates : {true, false}) {
    ReportOptions options = usual_;
    options.filter.remove_duplicates = removes_duplicates;
    const CorpusReport report = ReportOn(files, held_out, options);
    const FilterCounts counts = FilterCorpus(files, held_out, {.filter = options.filter},
                                             [](const CheckedPair&, std::optional<PairProblem>) {});
    EXPECT_EQ(report.removed, counts.pairs - counts.kept);
    EXPECT_EQ(counts.kept, removes_duplicates ? 2 : 4);
    EXPECT_EQ(report.Count(PairProblem::kDuplicate), 5);
  }
}

TEST_F(CorpusReportTest, InvalidUtf8IsRemovedInAnyCase) {
  PairFilter filter = RecommendedFilter();
  filter.remove_bad_encoding = false;
  const ParallelFiles files = Tsv("a.tsv", "a\tb\tc\xFF\nd\tcafÃ©\tf\ng\xFF\th\ti\n");
  std::vector<int64_t> kept;
  FilterCorpus(files, {}, {.filter = filter},
               [&](const CheckedPair& pair, std::optional<PairProblem> reason) {
                 if (!reason) {
                   kept.push_back(pair.line);
                 } else {
                   EXPECT_EQ(*reason, PairProblem::kBadEncoding);
                 }
               });
  EXPECT_THAT(kept, ElementsAre(2));
  const CorpusReport report = ReportOn(files, {}, {.filter = filter});
  EXPECT_EQ(report.removed, 2);
  EXPECT_EQ(report.Count(PairProblem::kBadEncoding), 3);
}

TEST_F(CorpusReportTest, LinesAreCountedInEachFile) {
  ParallelFiles files = Tsv("a.tsv", "good\tgut\n");
  files.tsv.push_back(folder_.Write("b.tsv", "bad\tschlecht\nx\xFF\ty\n"));
  constexpr auto kBadEncoding = static_cast<size_t>(PairProblem::kBadEncoding);
  const auto examples = ReportOn(files, {}, usual_).examples[kBadEncoding];
  ASSERT_EQ(examples.size(), 1);
  EXPECT_EQ(examples[0].file, files.tsv[1].string());
  EXPECT_EQ(examples[0].line, 2);
}

TEST_F(CorpusReportTest, FilteringCanBeStopped) {
  const FilterCounts counts =
      FilterCorpus(Tsv("a.tsv", "a\tb\n"), {}, {.filter = {}, .should_stop = [] { return true; }},
                   [](const CheckedPair&, std::optional<PairProblem>) { FAIL(); });
  EXPECT_TRUE(counts.was_stopped);
}

TEST_F(CorpusReportTest, OnePairIsNotSeveral) {
  const FilterCounts counts = FilterCorpus(Tsv("a.tsv", "a\tb\n"), {}, {},
                                           [](const CheckedPair&, std::optional<PairProblem>) {});
  EXPECT_EQ(counts.Summary(), "1 pair: 1 kept");
}

TEST_F(CorpusReportTest, ALongCorpusKeepsItsOrder) {
  std::string text;
  for (int i = 0; i < 9000; ++i) {
    text += "number " + std::to_string(i % 8000) + "\tZahl " + std::to_string(i % 8000) + "\n";
  }
  int64_t expected = 0;
  const FilterCounts counts =
      FilterCorpus(Tsv("a.tsv", text), {}, {.filter = RecommendedFilter(), .threads = 4},
                   [&](const CheckedPair& pair, std::optional<PairProblem> reason) {
                     EXPECT_EQ(pair.line, ++expected);
                     EXPECT_EQ(reason.has_value(), pair.line > 8000);
                   });
  EXPECT_EQ(counts.pairs, 9000);
  EXPECT_EQ(counts.kept, 8000);
}

TEST(FileLanguageTest, IsTheEndOfTheName) {
  EXPECT_EQ(LanguageOfFile("a/train.de"), "de");
  EXPECT_EQ(LanguageOfFile("train.zh-CN.gz"), "zh-CN");
  EXPECT_EQ(LanguageOfFile("train"), "");
  EXPECT_EQ(LanguageOfFile("train.zh.tok"), "zh");
  EXPECT_EQ(LanguageOfFile("train.clean.en.bpe.txt.gz"), "en");
  EXPECT_EQ(LanguageOfFile("train.txt"), "");
  EXPECT_EQ(LanguageOfFile("train.tsv"), "tsv");
}

}  // namespace
}  // namespace wavemt
