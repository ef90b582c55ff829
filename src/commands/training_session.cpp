#include "commands/training_session.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "checkpoint/run_checksums.h"
#include "commands/compute_device.h"
#include "commands/loaded_model.h"
#include "config/config_fields.h"
#include "config/config_writer.h"
#include "data/batcher.h"
#include "data/corpus.h"
#include "data/corpus_loader.h"
#include "decoding/translator.h"
#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/signature.h"
#include "evaluation/statistics.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/random.h"
#include "support/signals.h"
#include "training/learning_rate_schedule.h"

namespace wavemt {
namespace {

constexpr uint64_t kInitialWeights = 103;  // What a seed derived from the run's seed is for.

LoadedCorpus LoadAndCount(const ParallelFiles& files, const TokenizerPair& tokenizers,
                          const LoadOptions& options) {
  LoadedCorpus loaded = LoadCorpus(files, tokenizers, options);
  spdlog::info("{}: {}", options.tokenize.name, loaded.counts.Summary(options.tokenize.max_length));
  return loaded;
}

// The folder `cache` beside the run, whose own name that must not be.
std::filesystem::path CacheBeside(const std::filesystem::path& run) {
  std::filesystem::path path = std::filesystem::absolute(run).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // It ends with a slash.
  return path.parent_path() / (path.filename() == "cache" ? "token-cache" : "cache");
}

// Translates the validation text as `wavemt evaluate` would, with the beam size of validation.
TrainingParts::ScoreTranslations MakeScorer(const Session& session) {
  if (session.text.valid_sources.empty()) return {};
  DecodingConfig decoding = session.config.decoding;
  decoding.beam_size = session.config.training.validation_beam_size;
  return [&text = session.text, decoding, tokenizer = BleuTokenizer(session.config),
          translator = std::make_shared<Translator>(session.model, session.tokenizers,
                                                    session.device, session.trained_on)](
             const std::function<bool()>& stop_requested) -> std::optional<TranslationScore> {
    ProgressBar progress("translating data.valid", static_cast<int64_t>(text.valid_sources.size()));
    std::vector<std::string> hypotheses;
    try {
      hypotheses =
          translator->TranslateBest({.lines = text.valid_sources,
                                     .first_line_number = 1,
                                     .progress = [&](int64_t done) { progress.Update(done); },
                                     .stop_requested = stop_requested},
                                    decoding);
    } catch (const SearchStopped&) {
      return std::nullopt;
    }
    const Bleu bleu({.tokenizer = tokenizer});
    const Chrf chrf({});
    return TranslationScore{.bleu = ScoreCorpus(bleu, hypotheses, text.valid_references).value,
                            .signature = Signature(bleu),
                            .chrf = ScoreCorpus(chrf, hypotheses, text.valid_references).value,
                            .chrf_signature = Signature(chrf)};
  };
}

int ExitCodeAfter(StopReason reason, const Session& session, const TrainingState& state) {
  const std::string run = session.run->path().string();
  const std::string step = WithThousands(state.step);
  const std::string best =
      state.best_score ? fmt::format("; best: step {}", WithThousands(state.best_step)) : "";
  switch (reason) {
    case StopReason::kSignal:
      spdlog::info("stopped by a signal at step {}; `wavemt resume {}` goes on from there", step,
                   run);
      return ExitCodeOfSignal(StopSignal());
    case StopReason::kTimeLimit:
      spdlog::info("stopped by --max-minutes at step {}; `wavemt resume {}` goes on from there",
                   step, run);
      return 0;
    case StopReason::kMaxSteps:
      spdlog::info("done: training.max_steps = {} reached{}; the run is in {}", step, best, run);
      return 0;
    case StopReason::kMaxEpochs:
      spdlog::info("done: training.max_epochs = {} reached at step {}{}; the run is in {}",
                   session.config.training.max_epochs, step, best, run);
      return 0;
    case StopReason::kPatience:
      spdlog::info("done: {} validations without a better one, at step {}{}; the run is in {}",
                   state.validations_without_best, step, best, run);
      return 0;
  }
  return 0;
}

// Of a schedule that had come down and rises again, as more steps make it longer.
void WarnOfJump(const TrainingConfig& before, const TrainingConfig& now, int64_t step) {
  constexpr double kJump = 1.1;
  TrainingConfig longer = before;
  longer.max_steps = now.max_steps;
  // Whoever changes something else of it has asked for another learning rate.
  if (step == 0 || LearningRateAt(step + 1, longer) != LearningRateAt(step + 1, now)) return;
  const double last = LearningRateAt(step, before);
  const double next = LearningRateAt(step + 1, now);
  if (next <= kJump * std::max(last, LearningRateAt(step + 1, before))) return;
  spdlog::warn(
      "the learning rate had come down to {:.2e} at step {} and goes up to {:.2e} now, as the {} "
      "schedule reaches to step {} instead of {}; a lower training.learning_rate avoids that",
      last, WithThousands(step), next, NameOf(now.schedule), WithThousands(now.max_steps),
      WithThousands(before.max_steps));
}

TrainingParts MakeParts(const Session& session) {
  return {.model = session.model,
          .device = session.device,
          .train = *session.text.train,
          .valid = session.text.valid.get(),
          .valid_is_renamed = session.valid_is_renamed,
          .tokenizers = session.tokenizers,
          .run = session.run,
          .score_translations = MakeScorer(session),
          .memory_limit = session.memory_limit,
          .deadline = session.deadline};
}

}  // namespace

MemoryLimit BeginMemoryLimit(int64_t bytes, torch::Device device) {
  if (bytes == 0) return {};
  if (!device.is_cpu()) {
    throw UsageError("--memory-limit: is for the CPU; on {} its own memory is the limit",
                     device.str());
  }
  return MemoryLimit::Begin(bytes);
}

TrainingText LoadTrainingText(const Config& config, const TokenizerPair& tokenizers,
                              const CachePlace& cache) {
  const int threads = at::get_num_threads();
  TrainingText text;
  // First, so that a fault in it is found before anything of data.train is written.
  if (!config.data.valid.empty()) {
    // Validation leaves out only what the model cannot hold.
    text.valid =
        LoadAndCount(config.data.valid, tokenizers,
                     {.tokenize = {.max_length = config.model.position_encoding.max_length - 1,
                                   .num_threads = threads,
                                   .name = "data.valid",
                                   .source_language = SourceLanguage(config.data)}})
            .corpus;
    int64_t number = 0;
    for (SentencePair& pair : ReadParallel(config.data.valid)) {
      ++number;
      // A line of megabytes would be thousands of sentences to translate, at every validation.
      if (tokenizers.source->IsTooLong(pair.source, config.model.position_encoding.max_length)) {
        spdlog::warn("data.valid: pair {}: is far too long to be translated and scored",
                     WithThousands(number));
        continue;
      }
      text.valid_sources.push_back(std::move(pair.source));
      text.valid_references.push_back(std::move(pair.target));
    }
  }
  const bool is_set = !config.data.cache_dir.empty();
  LoadedCorpus train =
      LoadAndCount(config.data.train, tokenizers,
                   {.tokenize = {.max_length = config.data.max_length,
                                 .num_threads = threads,
                                 .name = "data.train",
                                 .source_language = SourceLanguage(config.data)},
                    .cache_dir = is_set ? config.data.cache_dir : CacheBeside(cache.run),
                    .cache_small = is_set,
                    .may_write = cache.may_write});
  text.profile = ProfileOf(*train.corpus, train.counts);
  text.train = std::move(train.corpus);
  return text;
}

void DescribeTraining(const Config& config, const TrainingText& text,
                      const TokenizerPair& tokenizers, const Transformer& model,
                      torch::Device device) {
  const BatchPlan plan = PlanBatches(*text.train, config.training.batch_tokens, /*seed=*/0);
  spdlog::info(
      "batches: about {} an epoch of at most {} target tokens, {:.1f}% full, {:.1f}% padding",
      WithThousands(plan.size()), WithThousands(config.training.batch_tokens),
      100 * FillShare(*text.train, plan, config.training.batch_tokens),
      100 * PaddingShare(*text.train, plan));
  int64_t weights = 0;
  for (const auto& parameter : model->parameters()) weights += parameter.numel();
  const std::string vocabulary =
      tokenizers.shared()
          ? fmt::format("one vocabulary of {}", WithThousands(tokenizers.source->vocab_size()))
          : fmt::format("vocabularies of {} and {}", WithThousands(tokenizers.source->vocab_size()),
                        WithThousands(tokenizers.target->vocab_size()));
  spdlog::info("model: {} weights, {}+{} layers, d_model {}, {}; on {}", WithThousands(weights),
               config.model.num_encoder_layers, config.model.num_decoder_layers,
               config.model.d_model, vocabulary, DescribeDevice(device));
}

void RequireMemoryForTraining(const Config& config, const Transformer& model,
                              const MemoryLimit& limit) {
  // Gradients, two moments, and maybe a moving average.
  const int64_t copies = config.training.ema_decay > 0 ? 4 : 3;
  MemoryBudget::Measure(limit, copies * BytesOf(ParametersOf(*model)));
}

Transformer MakeModel(const Config& config, const TokenizerPair& tokenizers, torch::Device device) {
  torch::manual_seed(DeriveSeed(static_cast<uint64_t>(config.seed), {kInitialWeights}));
  // Drawn on the CPU, so that a seed means the same weights on every device.
  Transformer model(config.model, VocabularySizes{.source = tokenizers.source->vocab_size(),
                                                  .target = tokenizers.target->vocab_size()});
  model->to(device);
  return model;
}

std::string ProfileTraining(const Session& session) {
  constexpr int64_t kWarmupSteps = 5;
  constexpr int64_t kSteps = 20;
  return Trainer(session.config, MakeParts(session)).Profile(kWarmupSteps, kSteps);
}

int RunTraining(Session session) {
  Trainer trainer(session.config, MakeParts(session));
  if (session.resume_step) {
    const auto directory = session.run->CheckpointPath(*session.resume_step);
    trainer.Restore(ReadCheckpoint(directory), directory.string());
    spdlog::info("going on from {}", directory.string());
    const TrainingState& state = trainer.state();
    if (session.before) WarnOfJump(*session.before, session.config.training, state.step);
    session.run->RepairPointers(state.step,
                                state.best_score ? std::optional(state.best_step) : std::nullopt);
  }
  if (session.before) {
    // Only now, when a checkpoint, if there is one, was accepted, are new settings taken. A new run
    // does not read its config back: a fault there would be called the user's mistake.
    const std::string config_text = ConfigText(session.config);
    if (ReadFile(session.run->ConfigPath()) != config_text) {
      ReplaceRunFile(session.run->path(), "config.json", config_text);
    }
  }
  InstallStopSignals();
  const StopReason reason = trainer.Run();
  return ExitCodeAfter(reason, session, trainer.state());
}

}  // namespace wavemt
