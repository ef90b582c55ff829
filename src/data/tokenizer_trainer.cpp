#include "data/tokenizer_trainer.h"

#include <sentencepiece_trainer.h>

#include <string_view>
#include <unordered_map>

#include "config/config_fields.h"
#include "support/elapsed_time.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"

namespace wavemt {
namespace {

class VectorIterator : public sentencepiece::SentenceIterator {
 public:
  explicit VectorIterator(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  bool done() const override { return next_ >= sentences_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return sentences_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  size_t next_ = 0;
};

// As SentencePiece splits them: by commas, with quotation marks around what may hold one.
std::string CommaSeparated(const std::vector<std::string>& symbols) {
  std::string text;
  for (const std::string& symbol : symbols) {
    if (!text.empty()) text += ',';
    text += '"';
    for (const char c : symbol) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    text += '"';
  }
  return text;
}

// The number that follows `phrase` in `message`; "" if there is none.
std::string NumberAfter(const std::string& message, std::string_view phrase) {
  const size_t found = message.find(phrase);
  if (found == std::string::npos) return "";
  const size_t begin = message.find_first_not_of(' ', found + phrase.size());
  if (begin == std::string::npos) return "";
  return message.substr(begin, message.find_first_not_of("0123456789", begin) - begin);
}

// SentencePiece's errors refer to its own command line; these refer to ours. It says:
// "Vocabulary size too high (5000). Please set it to a value <= 123."
// "Vocabulary size is smaller than required_chars. 8 vs 25. Increase vocab_size or decrease ..."
Error RefusalFor(const TokenizerConfig& config, const std::string& message) {
  const std::string maximum = NumberAfter(message, "Please set it to a value <=");
  if (!maximum.empty()) {
    return UsageError("tokenizer.vocab_size: {} is more than this corpus supports; use at most {}",
                      config.vocab_size, maximum);
  }
  const std::string minimum =
      NumberAfter(message, fmt::format("required_chars. {} vs", config.vocab_size));
  if (!minimum.empty()) {
    return UsageError(
        "tokenizer.vocab_size: {} is too small for this corpus's characters; use at least {}, or "
        "a smaller tokenizer.character_coverage",
        config.vocab_size, minimum);
  }
  return UsageError("tokenizer: SentencePiece cannot train on this corpus: {}", message);
}

}  // namespace

std::string TrainTokenizer(const TokenizerConfig& config,
                           const std::vector<std::string>& sentences) {
  const std::string task = fmt::format("training a vocabulary of {} {} pieces",
                                       WithThousands(config.vocab_size), NameOf(config.type));
  spdlog::info("{} on {} sentences", task, WithThousands(static_cast<int64_t>(sentences.size())));
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", std::string(NameOf(config.type))},
      {"vocab_size", std::to_string(config.vocab_size)},
      {"character_coverage", fmt::format("{}", config.character_coverage)},
      {"byte_fallback", config.byte_fallback ? "true" : "false"},
      {"normalization_rule_name", std::string(NameOf(config.normalization))},
      {"max_sentence_length", std::to_string(kLongestTrainingSentence)},
      {"user_defined_symbols", CommaSeparated(config.user_defined_symbols)},
      {"unk_id", "0"},
      {"pad_id", "1"},
      {"bos_id", "2"},
      {"eos_id", "3"},
      // Each thread sums scores on its own, so a fixed number of threads gives the same scores to
      // the last bit on every machine.
      {"num_threads", "16"},
      {"minloglevel", "2"},
  };
  // SentencePiece does not say how far it is.
  const ElapsedTime shown(task);
  VectorIterator iterator(sentences);
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &bytes);
  if (!status.ok()) throw RefusalFor(config, status.ToString());
  return bytes;
}

}  // namespace wavemt
