#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands/commands.h"
#include "config/config_fields.h"
#include "support/progress.h"
#include "training/validation.h"
#include "workflow/model_description.h"
#include "workflow/position_text.h"

namespace wavemt {
namespace {

struct InspectOptions {
  std::string model;
  bool json = false;
};

void PrintLine(std::string_view name, const std::string& text) {
  fmt::print("{:<12} {}\n", name, text);
}

std::string LanguagesText(const ModelDescription& model) {
  const auto name = [](const std::string& language) { return language.empty() ? "?" : language; };
  return fmt::format("{} -> {}", name(model.source_language), name(model.target_language));
}

std::string SizesText(const ModelDescription& model) {
  const ModelConfig& config = model.config.model;
  return fmt::format(
      "{} of {} weights ({}): {}+{} layers, d_model {}, {} heads, ffn_dim {}, {}, {}-norm",
      model.adapter ? "adapter" : "Transformer", WithThousands(model.weights),
      HumanBytes(static_cast<double>(model.bytes)), config.num_encoder_layers,
      config.num_decoder_layers, WithThousands(config.d_model), config.num_heads,
      WithThousands(config.ffn_dim), NameOf(config.activation), NameOf(config.layer_norm));
}

std::string VocabularyText(const ModelDescription& model) {
  return model.shared_vocabulary
             ? fmt::format("{} pieces, shared by both languages",
                           WithThousands(model.source_vocabulary))
             : fmt::format("{} source and {} target pieces", WithThousands(model.source_vocabulary),
                           WithThousands(model.target_vocabulary));
}

std::string HistoryText(const ModelDescription& model) {
  const TrainingState& state = *model.state;
  std::string text = fmt::format("{} steps in {}, {} target tokens", WithThousands(state.step),
                                 HumanDuration(state.seconds), WithThousands(state.target_tokens));
  if (model.trained_on) {
    text += fmt::format("; epoch {} of {} sentence pairs", EpochNumber(state.position),
                        WithThousands(model.trained_on->pairs));
  }
  return text;
}

std::string BestScoreText(const ModelDescription& model) {
  const TrainingState& state = *model.state;
  if (!state.best_score) return "none yet";
  const auto sets = model.config.data.valid.All();
  std::string text = fmt::format(
      "{} {:.4g} on {} at step {}", MetricText(NameOf(model.config.training.best_metric)),
      *state.best_score, sets.empty() ? "data.valid" : sets[0].Describe("data.valid"),
      WithThousands(state.best_step));
  if (!model.best_signature.empty()) text += fmt::format("  {}", model.best_signature);
  return text;
}

std::string SetText(const ModelDescription& model, const ScoresOfSet& set) {
  std::string text = model.is_average
                         ? fmt::format("{}:", set.key)
                         : fmt::format("{} at step {}:", set.key, WithThousands(model.sets_step));
  for (const auto& [name, value] : set.scores) {
    text += fmt::format("  {} {:.4g}", MetricText(name), value);
  }
  return text;
}

std::string AverageText(const ModelDescription& model) {
  return fmt::format("of the checkpoints of steps {}: {}", StepsText(*model.average),
                     ScoresText(*model.average, model.config.training.best_metric));
}

void PrintForPeople(const ModelDescription& model) {
  PrintLine("name", model.run.filename().string());
  PrintLine("languages", LanguagesText(model));
  PrintLine("model", SizesText(model));
  std::string positions = PositionsText(model.config.model.position_encoding);
  if (model.position_weights > 0) {
    positions += fmt::format("; {} weights", WithThousands(model.position_weights));
  }
  PrintLine("positions", positions);
  PrintLine("vocabulary", VocabularyText(model));
  if (model.adapter) {
    PrintLine("adapter", AdapterText(model.adapter->adapter));
    PrintLine("base", model.adapter->base.checkpoint.string());
  } else if (model.origin) {
    PrintLine("began with", model.origin->checkpoint.string());
  }
  if (model.state) {
    PrintLine("trained", HistoryText(model));
    PrintLine("best score", BestScoreText(model));
    if (model.average) PrintLine("average", AverageText(model));
    for (const ScoresOfSet& set : model.sets) PrintLine("set", SetText(model, set));
  }
  const std::time_t saved = std::chrono::system_clock::to_time_t(model.saved);
  PrintLine("saved", fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(saved)));
  PrintLine("weights", model.checkpoint.string());
}

int Inspect(const InspectOptions& options) {
  const ModelDescription model = DescribeModel(options.model);
  if (options.json) {
    fmt::print("{}", JsonText(ToJson(model)));
  } else {
    PrintForPeople(model);
  }
  return 0;
}

}  // namespace

void AddInspectCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command = app.add_subcommand(
      "inspect", "Show what a model is: languages, sizes, how it was trained, its best score.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Print everything that is known, as one object.");
  command->callback([options, exit_code] { *exit_code = Inspect(*options); });
}

}  // namespace wavemt
