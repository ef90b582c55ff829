#include "workflow/held_out_overlap.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <string>

#include "data/corpus_loader.h"
#include "data/overlap_finder.h"
#include "data/tags.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"

namespace wavemt {
namespace {

// Adds the sets of data.test that validations do not score, and which nobody has loaded.
void AddOtherTestText(const Config& config, const TokenizerPair& tokenizers,
                      OverlapFinder* finder) {
  const bool named_ones_are_loaded = !config.data.valid.empty();
  for (const auto& set : config.data.test.All()) {
    if (named_ones_are_loaded && !set.name.empty()) continue;
    const std::string name = set.Describe("data.test");
    const std::string prefix = SourcePrefixOf(set.corpus, config);
    try {
      const LoadedCorpus loaded =
          LoadCorpus({.files = set.corpus.files, .source_prefix = prefix}, tokenizers,
                     {.tokenize = {.max_length = config.model.position_encoding.max_length - 1,
                                   .num_threads = at::get_num_threads(),
                                   .name = name}});
      finder->AddHeldOut(
          name, {.corpus = *loaded.corpus, .num_tags = NumTags(*tokenizers.source, prefix)});
    } catch (const Error& error) {
      // Training does not need this text, but evaluate will.
      spdlog::warn("{} is not compared with data.train: {}", name, error.what());
    }
  }
}

void Say(const Overlap& overlap) {
  if (overlap.sources == 0 && overlap.targets == 0) return;
  // A few short sentences, such as "Thank you.", are in any text.
  constexpr double kFew = 0.01;
  const auto most = static_cast<double>(std::max(overlap.sources, overlap.targets));
  const bool matters = most > kFew * static_cast<double>(overlap.pairs);
  const std::string text = fmt::format(
      "{}: of its {} pairs, data.train has {} as they are, {} of the sources and {} of the targets",
      overlap.name, WithThousands(overlap.pairs), WithThousands(overlap.both),
      WithThousands(overlap.sources), WithThousands(overlap.targets));
  if (!matters) {
    spdlog::info("{}", text);
    return;
  }
  spdlog::warn(
      "{}; the model will know them by heart, and its scores will be too good: `wavemt corpus "
      "filter --held-out` takes them out of a corpus",
      text);
}

}  // namespace

void SayOverlap(const Config& config, const TokenizerPair& tokenizers,
                const std::vector<HeldOutText>& held_out,
                const std::vector<CorpusMixture::Part>& train) {
  OverlapFinder finder;
  for (const HeldOutText& text : held_out) {
    finder.AddHeldOut(
        text.description,
        {.corpus = *text.corpus, .num_tags = NumTags(*tokenizers.source, text.source_prefix)});
  }
  AddOtherTestText(config, tokenizers, &finder);
  if (!finder.has_held_out()) return;
  for (const CorpusMixture::Part& part : train) {
    finder.Look({.corpus = *part.corpus, .num_tags = part.num_tags}, at::get_num_threads());
  }
  for (const Overlap& overlap : finder.Overlaps()) Say(overlap);
}

}  // namespace wavemt
