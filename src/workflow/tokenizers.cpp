#include "workflow/tokenizers.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "data/corpus.h"
#include "data/tags.h"
#include "data/tokenizer_trainer.h"
#include "support/error.h"
#include "support/progress.h"
#include "support/random.h"

namespace wavemt {
namespace {

// The sides of the corpus on which a vocabulary is trained.
struct Sides {
  bool source = true;
  bool target = true;
};

// A tag that is no symbol would be cut into pieces.
void RequireTagsAsSymbols(const Config& config) {
  const std::vector<std::string>& symbols = config.tokenizer.user_defined_symbols;
  for (const std::string& tag : TagsOf(config)) {
    if (std::ranges::find(symbols, tag) != symbols.end()) continue;
    throw UsageError(
        "tokenizer.user_defined_symbols: lacks {}, a tag of a source_prefix, which a new tokenizer "
        "would cut into pieces; add it",
        tag);
  }
}

std::shared_ptr<const Tokenizer> TrainOn(const Config& config, const Sides& sides) {
  std::vector<TrainingCorpus> corpora;
  for (const auto& item : config.data.train.All()) corpora.push_back(item.corpus);
  const std::vector<std::string> sentences = SampleSentences(
      corpora,
      {.source = sides.source,
       .target = sides.target,
       .normalize_whitespace = config.tokenizer.normalize_whitespace,
       .limit = config.tokenizer.training_sentences,
       .source_language = config.data.source_language,
       .target_language = config.data.target_language,
       .seed = DeriveSeed(static_cast<uint64_t>(config.seed), RandomStream::kTokenizerSample)});
  if (sentences.empty()) {
    throw UsageError(
        "data.train: no usable sentence pair: the files hold no text, or only lines of more than "
        "{} bytes, which are too long for training a vocabulary: split them into sentences",
        WithThousands(static_cast<int64_t>(kLongestTrainingSentence)));
  }
  return Tokenizer::FromBytes(TrainTokenizer(config.tokenizer, sentences), "trained tokenizer",
                              TextOptionsOf(config.tokenizer));
}

}  // namespace

TextOptions TextOptionsOf(const TokenizerConfig& config) {
  return {.normalize_whitespace = config.normalize_whitespace};
}

TokenizerPair MakeTokenizers(const Config& config) {
  const TokenizerConfig& tokenizer = config.tokenizer;
  const TextOptions text = TextOptionsOf(tokenizer);
  const auto vocabulary =
      tokenizer.vocabulary.empty() ? nullptr : Vocabulary::FromFile(tokenizer.vocabulary);
  if (!tokenizer.source_model.empty()) {
    return {.source = Tokenizer::FromFile(tokenizer.source_model, text, vocabulary),
            .target = Tokenizer::FromFile(tokenizer.target_model, text, vocabulary)};
  }
  if (tokenizer.model.empty()) RequireTagsAsSymbols(config);
  if (tokenizer.shared) {
    const auto shared = tokenizer.model.empty()
                            ? TrainOn(config, {.source = true, .target = true})
                            : Tokenizer::FromFile(tokenizer.model, text, vocabulary);
    return {.source = shared, .target = shared};
  }
  return {.source = TrainOn(config, {.source = true, .target = false}),
          .target = TrainOn(config, {.source = false, .target = true})};
}

}  // namespace wavemt
