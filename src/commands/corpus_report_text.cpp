#include "commands/corpus_report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "data/cleaning/language_scripts.h"
#include "support/characters.h"
#include "support/display_width.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr size_t kColumns = 80;

// The text as it can be shown in `columns` of a line of a terminal.
std::string Shown(std::string_view text, size_t columns) {
  return Shortened(Displayable(text), static_cast<int>(columns));
}

// The end of a name, in at most `columns`; the beginning may be a long folder's.
std::string EndShown(const std::string& name, size_t columns) {
  for (size_t i = 0; i < name.size(); NextCharacter(name, i)) {
    std::string shown = Displayable((i == 0 ? "" : "…") + name.substr(i));
    if (DisplayWidth(shown) <= static_cast<int>(columns)) return shown;
  }
  return "";
}

// The bins up to the last one that holds anything.
template <typename Number>
size_t UsedBins(const std::vector<HistogramBin<Number>>& bins) {
  size_t used = bins.size();
  while (used > 0 && bins[used - 1].count == 0) --used;
  return used;
}

// A bar of `share` of `columns`, to an eighth of a column.
std::string Bar(double share, size_t columns) {
  constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  auto eighths = static_cast<size_t>(std::lround(share * static_cast<double>(8 * columns)));
  if (share > 0 && eighths == 0) eighths = 1;
  std::string bar;
  for (size_t i = 0; i < eighths / 8; ++i) bar += "█";
  return bar + kEighths[eighths % 8];
}

size_t ColumnsOfBar(double share, size_t columns) {
  size_t used = 0;
  for (const std::string bar = Bar(share, columns); const char c : bar) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++used;
  }
  return used;
}

double ShareOf(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

// "0.02%"; "" for none.
std::string Percent(int64_t part, int64_t whole) {
  if (part == 0) return "";
  const double percent = 100 * ShareOf(part, whole);
  return percent < 0.01 ? "<0.01%" : fmt::format("{:.2f}%", percent);
}

std::string WithSpaces(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

class ReportWriter {
 public:
  ReportWriter(const CorpusReport& report, const CorpusInput& input, const PairFilter& filter)
      : report_(report), input_(input), filter_(filter) {}

  std::string Write() {
    WriteHead();
    WriteProblems();
    WriteSides();
    WriteLengths();
    WriteRatios();
    WriteOverlaps();
    WriteExamples();
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    std::string line = fmt::format(format, std::forward<Args>(args)...);
    line.erase(line.find_last_not_of(' ') + 1);
    text_ += line + "\n";
  }

  void WriteHead() {
    const auto language = [](const std::string& code) { return IsKnown(code) ? code : "?"; };
    const std::string what =
        fmt::format("{}, {} -> {}", Counted(report_.pairs, "pair"),
                    language(input_.source_language), language(input_.target_language));
    const std::string removed = report_.removed == 0
                                    ? "none of them"
                                    : fmt::format("{} of them ({})", WithThousands(report_.removed),
                                                  Percent(report_.removed, report_.pairs));
    Line("{}", input_.name);
    if (input_.lacks_filter()) {
      Line("{}", what);
      Line("it has no filter; {} would remove {}",
           filter_ == RecommendedFilter() ? "the usual rules" : "these rules", removed);
    } else {
      Line("{}; the filter removes {}", what, removed);
    }
  }

  static bool IsKnown(const std::string& language) { return LanguageScripts(language).known(); }

  std::string ScriptRuleText() const {
    const bool knows_source = IsKnown(input_.source_language);
    const bool knows_target = IsKnown(input_.target_language);
    if (filter_.min_script_share == 0) return "not looked for";
    if (!knows_source && !knows_target) return "not looked for: language unknown";
    if (!knows_source) return "target only; source language unknown";
    if (!knows_target) return "source only; target language unknown";
    return fmt::format("under {:g}% in the language's script", 100 * filter_.min_script_share);
  }

  // What a rule looks for, and whether it removes pairs.
  std::string RuleText(PairProblem problem) const {
    const auto kept_unless = [](bool removes, const char* what) {
      return fmt::format("{}{}", what, removes ? "" : "; kept");
    };
    switch (problem) {
      case PairProblem::kBlank:
        return "a side is empty";
      case PairProblem::kBadEncoding:
        return kept_unless(filter_.remove_bad_encoding, "traces of a wrong encoding");
      case PairProblem::kTooLong:
        return filter_.max_words == 0 ? "not looked for"
                                      : fmt::format("over {} words", filter_.max_words);
      case PairProblem::kLengthRatio:
        return filter_.max_length_ratio == 0
                   ? "not looked for"
                   : fmt::format("over {:g} times the other side", filter_.max_length_ratio);
      case PairProblem::kWrongScript:
        return ScriptRuleText();
      case PairProblem::kCopy:
        return kept_unless(filter_.remove_copies, "both sides are the same");
      case PairProblem::kDifferentNumbers:
        return kept_unless(filter_.remove_different_numbers, "a number is on one side only");
      case PairProblem::kDuplicate:
        return kept_unless(filter_.remove_duplicates, "repeats an earlier pair");
      case PairProblem::kHeldOut:
        return "a side is in a held-out text";
    }
    return "";
  }

  void WriteProblems() {
    Line("");
    for (const PairProblem problem : kPairProblems) {
      if (problem == PairProblem::kHeldOut && report_.overlaps.empty()) continue;
      const int64_t count = report_.Count(problem);
      Line("  {:<18}{:>12} {:>8}   {}", WithSpaces(NameOf(problem)), WithThousands(count),
           Percent(count, report_.pairs), RuleText(problem));
    }
    Line("");
    Line("  {:<30}{:>12}", "same source, another target", WithThousands(report_.other_targets));
    Line("  {:<30}{:>12}", "same target, another source", WithThousands(report_.other_sources));
  }

  void WriteSides() {
    const LengthStatistics& source = report_.source;
    const LengthStatistics& target = report_.target;
    const auto row = [&](const char* name, const std::string& a, const std::string& b) {
      Line("  {:<18}{:>16}{:>16}", name, a, b);
    };
    const auto count = [](int64_t number) { return WithThousands(number); };
    Line("");
    row("", "source", "target");
    row("words", count(source.words()), count(target.words()));
    row("characters", count(source.characters()), count(target.characters()));
    row("words a line", fmt::format("{:.1f}", source.mean()), fmt::format("{:.1f}", target.mean()));
    row("  median", fmt::format("{:g}", source.median()), fmt::format("{:g}", target.median()));
    row("  shortest", count(source.shortest()), count(target.shortest()));
    row("  longest", count(source.longest()), count(target.longest()));
  }

  void WriteLengths() {
    constexpr size_t kBar = 20;
    const auto source = report_.source.Histogram();
    const auto target = report_.target.Histogram();
    int64_t most = 0;
    for (const auto* bins : {&source, &target}) {
      for (const auto& bin : *bins) most = std::max(most, bin.count);
    }
    Line("");
    Line("  {:<10}{:>12} {:<{}} {:>12}", "words", "source", "", kBar, "target");
    for (size_t i = 0; i < std::max(UsedBins(source), UsedBins(target)); ++i) {
      const std::string range = i + 1 < source.size()
                                    ? fmt::format("{}-{}", source[i].from, source[i + 1].from - 1)
                                    : fmt::format("{}-", source[i].from);
      const double share = ShareOf(source[i].count, most);
      Line("  {:<10}{:>12} {}{:<{}} {:>12} {}", range, WithThousands(source[i].count),
           Bar(share, kBar), "", kBar - ColumnsOfBar(share, kBar), WithThousands(target[i].count),
           Bar(ShareOf(target[i].count, most), kBar));
    }
  }

  void WriteRatios() {
    constexpr size_t kBar = 40;
    const auto& bins = report_.ratio.histogram();
    int64_t most = 0;
    for (const auto& bin : bins) most = std::max(most, bin.count);
    Line("");
    Line("  target words / source words");
    for (size_t i = 0; i < UsedBins(bins); ++i) {
      const std::string range = i + 1 < bins.size()
                                    ? fmt::format("{:g}-{:g}", bins[i].from, bins[i + 1].from)
                                    : fmt::format("{:g}-", bins[i].from);
      Line("  {:<10}{:>12} {}", range, WithThousands(bins[i].count),
           Bar(ShareOf(bins[i].count, most), kBar));
    }
  }

  void WriteOverlaps() {
    if (report_.overlaps.empty()) return;
    Line("");
    constexpr size_t kName = 31;
    const auto row = [&](const std::string& name, const std::string& both,
                         const std::string& source, const std::string& target) {
      Line("  {}{:{}}{:>12}{:>12}{:>12}", name, "",
           kName - std::min(static_cast<size_t>(DisplayWidth(name)), kName), both, source, target);
    };
    row("pairs that share sentences with", "both sides", "source", "target");
    for (const CorpusReport::Overlap& overlap : report_.overlaps) {
      row(EndShown(overlap.name, kName - 1), WithThousands(overlap.both),
          WithThousands(overlap.source_only), WithThousands(overlap.target_only));
    }
  }

  void WriteExamples() {
    for (const PairProblem problem : kPairProblems) {
      const auto& examples = report_.examples[static_cast<size_t>(problem)];
      if (examples.empty()) continue;
      Line("");
      Line("  {}", WithSpaces(NameOf(problem)));
      for (const CorpusReport::Example& example : examples) {
        std::string before = fmt::format("{:>10}  ", WithThousands(example.line));
        const size_t columns = kColumns - before.size();
        const std::string indent(before.size(), ' ');
        if (!example.file.empty()) {
          Line("{}{}", before, EndShown(example.file, columns));
          before = indent;
        }
        Line("{}{}", before, Shown(example.text.source, columns));
        Line("{}{}", indent, Shown(example.text.target, columns));
      }
    }
  }

  const CorpusReport& report_;
  const CorpusInput& input_;
  const PairFilter& filter_;
  std::string text_;
};

}  // namespace

std::string CorpusReportText(const CorpusReport& report, const CorpusInput& input,
                             const PairFilter& filter) {
  return ReportWriter(report, input, filter).Write();
}

}  // namespace wavemt
