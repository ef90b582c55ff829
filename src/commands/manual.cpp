#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/man_page.h"
#include "commands/shared_options.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/suggestion.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

struct ManualOptions {
  std::string command;
  std::string output;
};

int PrintPage(const CommandInfo& program, const std::string& name) {
  std::vector<std::string> known;
  for (const CommandInfo& command : program.commands) {
    if (command.path == name) {
      std::fputs(CommandPage(command).c_str(), stdout);
      return 0;
    }
    known.push_back(command.path);
  }
  if (!name.empty()) {
    throw UsageError("{}: there is no such command{}; `wavemt --help` shows them all", name,
                     DidYouMean(name, known));
  }
  std::fputs(ProgramPage(program).c_str(), stdout);
  return 0;
}

int WritePages(const CommandInfo& program, const fs::path& folder) {
  if (Exists(folder) && !IsFolder(folder)) {
    throw UsageError("--output {}: is not a folder", folder.string());
  }
  MakeDirectories(folder);
  WriteFileAtomically(folder / PageFileName(program), ProgramPage(program));
  for (const CommandInfo& command : program.commands) {
    WriteFileAtomically(folder / PageFileName(command), CommandPage(command));
  }
  spdlog::info("{}: {} manual pages", folder.string(), program.commands.size() + 1);
  return 0;
}

}  // namespace

void AddManualCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ManualOptions>();
  CLI::App* command = app.add_subcommand(
      "manual", "Print the manual page of wavemt or of a command, or write all of them.");
  CLI::Option* name = command
                          ->add_option("COMMAND", options->command,
                                       "The command whose page is printed. Default: wavemt itself.")
                          ->type_name("NAME");
  command
      ->add_option("--output", options->output,
                   "Write wavemt.1 and a page for each command, wavemt-COMMAND.1, into this folder "
                   "instead.")
      ->type_name("DIR")
      ->check(NotEmpty())
      ->excludes(name);
  command->footer("To read a page: wavemt manual train | man -l -");
  command->callback([&app, options, exit_code] {
    const CommandInfo program = DescribeCommands(app);
    *exit_code = options->output.empty() ? PrintPage(program, options->command)
                                         : WritePages(program, options->output);
  });
}

}  // namespace wavemt
