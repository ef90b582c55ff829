#include "commands/command_line.h"

#include <c10/util/Exception.h>

#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/log_options.h"
#include "commands/version_text.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/memory.h"
#include "support/primitive_cache.h"
#include "support/signals.h"
#include "support/standard_streams.h"
#include "support/suggestion.h"

namespace wavemt {
namespace {

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;

// LibTorch's messages have a stack trace after the first line.
std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// The message for an exception that is not an Error.
std::string Sentence(const std::exception& error) {
  if (IsOutOfMemory(error)) {
    return "out of memory; a smaller model, training.batch_tokens or decoding.batch_tokens helps";
  }
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error)) {
    return "LibTorch: " + FirstLine(torch_error->what_without_backtrace());
  }
  if (const auto* file_error = dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
    return file_error->path1().string() + ": " + file_error->code().message();
  }
  return FirstLine(error.what());
}

// If the command line has an unknown command, returns it and fills `known` with the commands that
// exist there; otherwise returns "".
std::string UnknownCommand(const CLI::App& app, std::vector<std::string>* known) {
  const CLI::App* level = &app;
  while (!level->get_subcommands().empty()) level = level->get_subcommands().front();
  for (const CLI::App* command : level->get_subcommands([](const CLI::App*) { return true; })) {
    known->push_back(command->get_name());
  }
  const std::vector<std::string> unknown = level->remaining();
  return known->empty() || unknown.empty() ? "" : unknown.front();
}

int ReportParseError(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    return app.exit(error);  // --help and --version.
  }
  std::vector<std::string> commands;
  if (const std::string word = UnknownCommand(app, &commands); !word.empty()) {
    spdlog::error("{}: there is no such command{}; `wavemt --help` shows them all", word,
                  DidYouMean(word, commands));
    return kWrongUsage;
  }
  spdlog::error("{}; `wavemt --help` and `wavemt COMMAND --help` show what is possible",
                error.what());
  return kWrongUsage;
}

int ParseAndRun(CLI::App& app, int argc, char** argv, const int& exit_code) {
  try {
    app.parse(argc, argv);
    return exit_code;
  } catch (const CLI::ParseError& error) {
    return ReportParseError(app, error);
  }
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  PrepareStandardStreams();
  InitLoggingAsTyped(argc, argv);
  LimitPrimitiveCache();
  IgnoreFileSizeSignal();
  int exit_code = 0;
  CLI::App app("wavemt trains Transformer translation models, translates and measures BLEU.",
               "wavemt");
  app.set_version_flag("--version", VersionText);
  app.require_subcommand(1);
  AddTrainCommand(app, &exit_code);
  AddResumeCommand(app, &exit_code);
  AddTranslateCommand(app, &exit_code);
  AddServeCommand(app, &exit_code);
  AddEvaluateCommand(app, &exit_code);
  AddTuneCommand(app, &exit_code);
  AddScoreCommand(app, &exit_code);
  AddMetricsCommand(app, &exit_code);
  AddTokenizerCommand(app, &exit_code);
  AddCorpusCommand(app, &exit_code);
  AddInspectCommand(app, &exit_code);
  AddReportCommand(app, &exit_code);
  AddAverageCommand(app, &exit_code);
  AddMergeCommand(app, &exit_code);
  AddShortlistCommand(app, &exit_code);
  AddExportCommand(app, &exit_code);
  AddImportCommand(app, &exit_code);
  AddPositionsCommand(app, &exit_code);
  AddConfigCommand(app, &exit_code);
  AddDoctorCommand(app, &exit_code);
  AddCompletionCommand(app, &exit_code);
  AddManualCommand(app, &exit_code);
  AddLogOptions(&app);
  try {
    const int code = ParseAndRun(app, argc, argv, exit_code);
    FinishStandardOutput();
    return code;
  } catch (const Error& error) {
    spdlog::error("{}", error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    spdlog::error("{}", Sentence(error));
    return kFailure;
  }
}

int RunProgram(int argc, char** argv) { return EndProcess(RunCommandLine(argc, argv)); }

}  // namespace wavemt
