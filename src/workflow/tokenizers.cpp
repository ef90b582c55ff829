#include "workflow/tokenizers.h"

#include <memory>
#include <string>
#include <vector>

#include "data/corpus.h"
#include "data/tokenizer_trainer.h"
#include "support/error.h"
#include "support/progress.h"
#include "support/random.h"
#include "workflow/languages.h"

namespace wavemt {
namespace {

// The sides of the corpus on which a vocabulary is trained.
struct Sides {
  bool source = true;
  bool target = true;
};

std::shared_ptr<const Tokenizer> TrainOn(const Config& config, const Sides& sides) {
  std::vector<TrainingCorpus> corpora;
  for (const auto& item : config.data.train.All()) corpora.push_back(item.corpus);
  const std::vector<std::string> sentences = SampleSentences(
      corpora,
      {.source = sides.source,
       .target = sides.target,
       .normalize_whitespace = config.tokenizer.normalize_whitespace,
       .limit = config.tokenizer.training_sentences,
       .source_language = SourceLanguage(config.data),
       .target_language = TargetLanguage(config.data),
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
