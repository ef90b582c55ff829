#include "data/cleaning/corpus_pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <future>
#include <utility>
#include <vector>

#include "data/corpus_origin.h"
#include "support/progress.h"

namespace wavemt {
namespace {

// As in corpus_tokenizer.cpp: starting a thread costs little beside them, and so does their memory.
constexpr size_t kPairsOfPass = 2000;
constexpr size_t kBytesOfPass = 4 << 20;

using Portion = std::vector<CheckedPair>;

void CheckPortion(const PairChecker& checker, Portion* portion) {
  for (CheckedPair& pair : *portion) {
    pair.problems = checker.Check(pair.text, &pair.sizes);
    if (!pair.problems.Has(PairProblem::kBlank)) pair.fingerprints = FingerprintsOf(pair.text);
  }
}

// False at the end of the corpus.
bool ReadPortion(ParallelReader* reader, int64_t* line, Portion* portion) {
  size_t bytes = 0;
  for (SentencePair pair; portion->size() < kPairsOfPass && bytes < kBytesOfPass;) {
    if (!reader->Next(&pair)) break;
    bytes += pair.source.size() + pair.target.size() + reader->tsv_line().size();
    portion->push_back({.line = ++*line, .text = std::move(pair), .tsv_line = reader->tsv_line()});
  }
  return !portion->empty();
}

}  // namespace

void CheckPairs(const ParallelFiles& files, const PairChecker& checker, const PassOptions& options,
                const std::function<void(const CheckedPair&)>& take) {
  constexpr int64_t kMegabyte = 1'000'000;
  ParallelReader reader(files, InvalidUtf8::kReplace);
  ProgressBar progress(options.label, (FileBytes(files) + kMegabyte - 1) / kMegabyte);
  // The portions at work, in the corpus's order. One more than there are threads, so that all of
  // them are busy while this thread reads and takes.
  std::deque<std::future<Portion>> work;
  const size_t most = static_cast<size_t>(std::max(options.threads, 1)) + 1;
  const auto finish_oldest = [&] {
    const Portion portion = work.front().get();
    work.pop_front();
    for (const CheckedPair& pair : portion) take(pair);
    progress.Update(reader.bytes_read() / kMegabyte,
                    fmt::format("MB, {} pairs", WithThousands(portion.back().line)));
  };
  int64_t line = 0;
  for (Portion portion; ReadPortion(&reader, &line, &portion);) {
    if (work.size() == most) finish_oldest();
    work.push_back(
        std::async(std::launch::async, [&checker, own = std::exchange(portion, {})]() mutable {
          CheckPortion(checker, &own);
          return std::move(own);
        }));
  }
  while (!work.empty()) finish_oldest();
}

}  // namespace wavemt
