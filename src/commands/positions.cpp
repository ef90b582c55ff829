#include <fmt/format.h>

#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "report/positions_page.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/position_study.h"

namespace wavemt {
namespace {

struct PositionsOptions {
  std::string path;
  std::string html;
  int64_t length = 128;
  bool json = false;
  ConfigOverrides overrides;
};

void PrintStudy(const PositionStudy& study) {
  const auto line = [](const char* name, const std::string& text) {
    fmt::print("{:<10} {}\n", name, text);
  };
  line("positions", study.encoding);
  line("effect", study.effect);
  line("weights", study.weights == 0
                      ? "none"
                      : fmt::format("{} ({})", WithThousands(study.weights), study.weights_of));
  const std::string bytes = HumanBytes(static_cast<double>(study.bytes));
  line("stored", study.bytes == 0     ? "nothing"
                 : study.weights == 0 ? bytes + " in each checkpoint, a table that is computed"
                                      : bytes + " in each checkpoint");
  line("from", study.origin);
}

int Positions(const PositionsOptions& options) {
  if (!options.html.empty()) RequireOutputFile(options.html);
  const PositionStudy study = StudyPositions(options.path, options.overrides, options.length);
  if (options.json) {
    fmt::print("{}", JsonText(ToJson(study)));
  } else {
    PrintStudy(study);
  }
  if (!options.html.empty()) {
    WriteFileAtomically(options.html, PositionsPage(study));
    spdlog::info("{}: written; open it in a browser", options.html);
  }
  return 0;
}

}  // namespace

void AddPositionsCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<PositionsOptions>();
  CLI::App* command = app.add_subcommand(
      "positions", "Show what the position encoding of a config or a model is, and draw it.");
  command->add_option("MODEL", options->path, "A config (.json), a run's folder or a checkpoint.")
      ->required();
  command->add_flag("--json", options->json, "Print an object for programs.");
  command->add_option("--html", options->html,
                      "Write a page that draws the encoding to this file.");
  command->add_option("--length", options->length, "Positions to draw, at most.")
      ->check(CLI::Range(2, 4096))
      ->capture_default_str();
  AddSetOption(command);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Positions(*options);
  });
}

}  // namespace wavemt
