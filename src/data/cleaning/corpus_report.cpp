#include "data/cleaning/corpus_report.h"

#include <string_view>
#include <utility>

#include "data/cleaning/corpus_pass.h"
#include "data/cleaning/fingerprint_set.h"

namespace wavemt {
namespace {

// What the report counts, whether or not it is removed.
PairFilter LimitsOfReport(PairFilter filter) {
  filter.remove_bad_encoding = true;
  filter.remove_copies = true;
  filter.remove_different_numbers = true;
  filter.remove_duplicates = true;
  return filter;
}

// The problems for which a pair is removed, whatever was before it.
PairProblems RemovedByReport(PairFilter filter) {
  filter.remove_duplicates = false;
  PairProblems removed = RemovedBy(filter);
  removed.Add(PairProblem::kHeldOut);
  return removed;
}

// Of a corpus in several files, the one that the pair came from.
std::string FileOf(const CheckedPair& pair, const ParallelFiles& files) {
  const auto& all = files.tsv.empty() ? files.source : files.tsv;
  return all.size() > 1 ? all[pair.file].string() : "";
}

// The beginning of UTF-8 text, of whole characters.
std::string CutToBytes(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return std::string(text.substr(0, limit));
}

class Reporter {
 public:
  Reporter(const ParallelFiles& files, const std::vector<HeldOutSentences>& held_out,
           const ReportOptions& options)
      : files_(files),
        held_out_(held_out),
        options_(options),
        removed_(RemovedByReport(options.filter)) {
    for (const HeldOutSentences& text : held_out) {
      report_.overlaps.push_back({.name = text.name(), .held_out = text.pairs()});
    }
  }

  void Add(const CheckedPair& pair) {
    ++report_.pairs;
    PairProblems problems = pair.problems;
    if (!problems.Has(PairProblem::kBlank)) {
      report_.source.Add(pair.sizes.source);
      report_.target.Add(pair.sizes.target);
      report_.ratio.Add(pair.sizes.source.words, pair.sizes.target.words);
      if (IsInHeldOut(pair.fingerprints)) problems.Add(PairProblem::kHeldOut);
      if (IsDuplicate(pair.fingerprints)) problems.Add(PairProblem::kDuplicate);
    }
    if (IsRemoved(pair, problems)) ++report_.removed;
    for (const PairProblem problem : kPairProblems) {
      if (problems.Has(problem)) Count(problem, pair);
    }
  }

  CorpusReport Finish() { return std::move(report_); }

 private:
  // As FilterCorpus() decides: of equal pairs, the first one that has no other reason is kept.
  bool IsRemoved(const CheckedPair& pair, PairProblems problems) {
    const bool is_duplicate = problems.Has(PairProblem::kDuplicate);
    if (pair.has_replaced_bytes || !problems.In(removed_).empty()) {
      const bool is_first = !is_duplicate && !problems.Has(PairProblem::kBlank);
      if (is_first) removed_first_.Insert(pair.fingerprints.pair);
      return true;
    }
    if (!is_duplicate || !options_.filter.remove_duplicates) return false;
    const bool first_was_kept = !removed_first_.Contains(pair.fingerprints.pair);
    return first_was_kept || !kept_later_.Insert(pair.fingerprints.pair);
  }

  void Count(PairProblem problem, const CheckedPair& pair) {
    const auto index = static_cast<size_t>(problem);
    ++report_.problems[index];
    std::vector<CorpusReport::Example>& examples = report_.examples[index];
    if (static_cast<int64_t>(examples.size()) >= options_.examples) return;
    constexpr size_t kLimit = CorpusReport::kLongestExample;
    examples.push_back({.file = FileOf(pair, files_),
                        .line = pair.line,
                        .text = {.source = CutToBytes(pair.text.source, kLimit),
                                 .target = CutToBytes(pair.text.target, kLimit)}});
  }

  bool IsInHeldOut(const PairFingerprints& pair) {
    bool any = false;
    for (size_t i = 0; i < held_out_.size(); ++i) {
      const bool source = held_out_[i].HasSource(pair);
      const bool target = held_out_[i].HasTarget(pair);
      CorpusReport::Overlap& overlap = report_.overlaps[i];
      if (source && target) ++overlap.both;
      if (source && !target) ++overlap.source_only;
      if (!source && target) ++overlap.target_only;
      any = any || source || target;
    }
    return any;
  }

  // Also counts sides that are there with another translation.
  bool IsDuplicate(const PairFingerprints& pair) {
    const bool is_new = pairs_.Insert(pair.pair);
    const bool new_source = sources_.Insert(pair.source);
    const bool new_target = targets_.Insert(pair.target);
    if (is_new && !new_source) ++report_.other_targets;
    if (is_new && !new_target) ++report_.other_sources;
    return !is_new;
  }

  const ParallelFiles& files_;
  const std::vector<HeldOutSentences>& held_out_;
  const ReportOptions& options_;
  PairProblems removed_;
  CorpusReport report_;
  FingerprintSet pairs_;
  FingerprintSet sources_;
  FingerprintSet targets_;
  // Pairs whose first occurrence was removed, and those of them of which a later one was kept. In
  // clean text there are few, so this takes less memory than a set of all pairs that were kept.
  FingerprintSet removed_first_;
  FingerprintSet kept_later_;
};

}  // namespace

CorpusReport ReportOn(const ParallelFiles& files, const std::vector<HeldOutSentences>& held_out,
                      const ReportOptions& options) {
  const PairChecker checker(LimitsOfReport(options.filter), options.source_language,
                            options.target_language);
  Reporter reporter(files, held_out, options);
  CheckPairs(files, checker, {.threads = options.threads, .label = options.label},
             [&](const CheckedPair& pair) { reporter.Add(pair); });
  return reporter.Finish();
}

}  // namespace wavemt
