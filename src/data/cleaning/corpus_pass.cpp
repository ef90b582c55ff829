#include "data/cleaning/corpus_pass.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "data/corpus_origin.h"
#include "support/progress.h"
#include "support/work_in_order.h"

namespace wavemt {
namespace {

// As in corpus_tokenizer.cpp: starting a thread costs little beside them, and so does their memory.
constexpr size_t kPairsOfPass = 2000;
constexpr size_t kBytesOfPass = 4 << 20;

using Portion = std::vector<CheckedPair>;

void CheckPortion(const PairChecker& checker, Portion* portion) {
  for (CheckedPair& pair : *portion) {
    pair.problems = checker.Check(pair.text, &pair.sizes);
    if (pair.problems.Has(PairProblem::kBlank)) continue;
    if (pair.has_replaced_bytes) pair.problems.Add(PairProblem::kBadEncoding);
    pair.fingerprints = FingerprintsOf(pair.text);
  }
}

// False at the end of the corpus.
bool ReadPortion(ParallelReader* reader, Portion* portion) {
  size_t bytes = 0;
  int64_t replaced = reader->lines_replaced();
  for (SentencePair pair; portion->size() < kPairsOfPass && bytes < kBytesOfPass;) {
    if (!reader->Next(&pair)) break;
    bytes += pair.source.size() + pair.target.size() + reader->tsv_line().size();
    const int64_t replaced_before = std::exchange(replaced, reader->lines_replaced());
    portion->push_back({.file = reader->file(),
                        .line = reader->line(),
                        .text = std::move(pair),
                        .tsv_line = reader->tsv_line(),
                        .has_replaced_bytes = replaced > replaced_before});
  }
  return !portion->empty();
}

}  // namespace

bool CheckPairs(const ParallelFiles& files, const PairChecker& checker, const PassOptions& options,
                const std::function<void(const CheckedPair&)>& take) {
  constexpr int64_t kMegabyte = 1'000'000;
  ParallelReader reader(files, InvalidUtf8::kReplace);
  ProgressBar progress(options.label, (FileBytes({.files = files}) + kMegabyte - 1) / kMegabyte);
  int64_t pairs = 0;
  WorkInOrder<Portion> work(options.threads, [&](const Portion& portion) {
    for (const CheckedPair& pair : portion) take(pair);
    pairs += static_cast<int64_t>(portion.size());
    progress.Update(reader.bytes_read() / kMegabyte, fmt::format("MB, {}", Counted(pairs, "pair")));
  });
  const auto should_stop = [&] { return options.should_stop && options.should_stop(); };
  for (Portion portion; ReadPortion(&reader, &portion);) {
    if (should_stop()) return false;
    work.Add([&checker, own = std::exchange(portion, {})]() mutable {
      CheckPortion(checker, &own);
      return std::move(own);
    });
  }
  work.Finish();
  return !should_stop();
}

}  // namespace wavemt
