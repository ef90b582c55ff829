#include "data/tokenizer_trainer.h"

#include <sentencepiece_trainer.h>

#include <regex>
#include <unordered_map>

#include "config/config_fields.h"
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

// SentencePiece words its refusals for its own command line; these are for ours.
Error RefusalFor(const TokenizerConfig& config, const std::string& message) {
  std::smatch found;
  if (std::regex_search(message, found, std::regex("too high.*<= *([0-9]+)"))) {
    return UsageError("tokenizer.vocab_size: {} is more than this corpus supports; use at most {}",
                      config.vocab_size, found[1].str());
  }
  if (std::regex_search(message, found,
                        std::regex("smaller than required_chars\\. *[0-9]+ *vs *([0-9]+)"))) {
    return UsageError(
        "tokenizer.vocab_size: {} is too small for this corpus's characters; use more than {}, or "
        "a smaller tokenizer.character_coverage",
        config.vocab_size, found[1].str());
  }
  return UsageError("tokenizer: SentencePiece cannot train on this corpus: {}", message);
}

}  // namespace

std::string TrainTokenizer(const TokenizerConfig& config,
                           const std::vector<std::string>& sentences) {
  spdlog::info("training a vocabulary of {} {} pieces on {} sentences",
               WithThousands(config.vocab_size), NameOf(config.type),
               WithThousands(static_cast<int64_t>(sentences.size())));
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", std::string(NameOf(config.type))},
      {"vocab_size", std::to_string(config.vocab_size)},
      {"character_coverage", fmt::format("{}", config.character_coverage)},
      {"byte_fallback", config.byte_fallback ? "true" : "false"},
      {"normalization_rule_name", std::string(NameOf(config.normalization))},
      {"unk_id", "0"},
      {"pad_id", "1"},
      {"bos_id", "2"},
      {"eos_id", "3"},
      // The pieces' scores are summed a thread at a time: a fixed number of threads, whatever the
      // machine, keeps them the same to the last bit.
      {"num_threads", "16"},
      {"minloglevel", "2"},
  };
  VectorIterator iterator(sentences);
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &bytes);
  if (!status.ok()) throw RefusalFor(config, status.ToString());
  return bytes;
}

}  // namespace wavemt
