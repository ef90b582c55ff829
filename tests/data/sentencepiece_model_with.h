#pragma once

#include <sentencepiece_trainer.h>

#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "synthetic_text.h"

namespace wavemt {

using SentencePieceOptions = std::unordered_map<std::string, std::string>;

// The bytes of a model with these options, trained with SentencePiece itself.
inline std::string ModelWith(const SentencePieceOptions& changes) {
  class Sentences : public sentencepiece::SentenceIterator {
   public:
    bool done() const override { return next_ == sentences_.size(); }
    void Next() override { ++next_; }
    const std::string& value() const override { return sentences_[next_]; }
    sentencepiece::util::Status status() const override { return {}; }

   private:
    std::vector<std::string> sentences_ = SyntheticSentences(100);
    size_t next_ = 0;
  };
  SentencePieceOptions options = {
      {"vocab_size", "60"}, {"model_type", "bpe"}, {"minloglevel", "2"}};
  for (const auto& [name, value] : changes) options[name] = value;
  Sentences sentences;
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &sentences, &bytes);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return bytes;
}

}  // namespace wavemt
