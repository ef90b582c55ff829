#pragma once

#include <torch/torch.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "config/config.h"
#include "data/corpus_profile.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"
#include "decoding/translator.h"
#include "training/trainer.h"

namespace wavemt {

/// The text that a training works on, as train and resume both need it.
struct TrainingText {
  std::unique_ptr<const TokenizedCorpus> train;
  CorpusProfile profile;                         // Of `train`.
  std::unique_ptr<const TokenizedCorpus> valid;  // Null: none.
  std::vector<std::string> valid_sources;
  std::vector<std::string> valid_references;
};

/// Where the token ids of a large training corpus are, or come.
struct CachePlace {
  std::filesystem::path run;  // They lie beside it unless data.cache_dir says where.
  bool may_write = true;      // False: what is there is used, but nothing is written.
};

/// The limit of a command that begins to train on `device`; `bytes` 0: none. A usage error on a
/// GPU, whose own memory is the limit.
MemoryLimit BeginMemoryLimit(int64_t bytes, torch::Device device);

/// Reads, checks, tokenizes and counts all text of `config`, with a line of summary for each part.
TrainingText LoadTrainingText(const Config& config, const TokenizerPair& tokenizers,
                              const CachePlace& cache);

/// Says how large the batches and the model are.
void DescribeTraining(const Config& config, const TrainingText& text,
                      const TokenizerPair& tokenizers, const Transformer& model,
                      torch::Device device);

/// The usage error of a limit that leaves no room for training `model`, for an early answer.
void RequireMemoryForTraining(const Config& config, const Transformer& model,
                              const MemoryLimit& limit);

/// A model with fresh weights, drawn from the config's seed, on `device`.
Transformer MakeModel(const Config& config, const TokenizerPair& tokenizers, torch::Device device);

/// Trains `model` in `run`, from the checkpoint of `resume_step` on if that is given, until
/// something stops it. Returns the process's exit code.
struct Session {
  const Config& config;
  const TrainingText& text;
  TokenizerPair tokenizers;
  Transformer model{nullptr};
  torch::Device device = torch::kCPU;
  std::optional<RunDirectory> run;  // Nothing for ProfileTraining().
  TrainedOn trained_on{};           // As the run has it.
  // Of a run that was there before: its settings until now, which may be other ones than `config`.
  std::optional<TrainingConfig> before{};
  bool valid_is_renamed = false;  // As TrainingParts has it.
  std::optional<int64_t> resume_step{};
  MemoryLimit memory_limit{};
  std::optional<TimeLimit::Clock::time_point> deadline{};  // Nothing: train to the end.
};
int RunTraining(Session session);

/// Trains a few steps without writing anything and returns a table of where their time goes.
std::string ProfileTraining(const Session& session);

}  // namespace wavemt
