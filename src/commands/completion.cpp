#include <cstdio>
#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/completion_scripts.h"

namespace wavemt {
namespace {

constexpr const char* kInstallation =
    "How to install it, where the package has not done so:\n"
    "  bash  wavemt completion bash > ~/.local/share/bash-completion/completions/wavemt\n"
    "        (with the package bash-completion; without it: source the file in ~/.bashrc)\n"
    "  zsh   wavemt completion zsh > FOLDER/_wavemt\n"
    "        (FOLDER is one of $fpath; compinit must run after it is named there)\n"
    "  fish  wavemt completion fish > ~/.config/fish/completions/wavemt.fish\n"
    "Write it again after an update: the script holds the commands, options and config keys.";

int PrintCompletion(const CLI::App& app, const std::string& shell) {
  const CommandInfo program = DescribeCommands(app);
  const std::vector<ConfigKey> keys = DescribeConfigKeys();
  const std::string script = shell == "bash"  ? BashCompletion(program, keys)
                             : shell == "zsh" ? ZshCompletion(program, keys)
                                              : FishCompletion(program, keys);
  std::fputs(script.c_str(), stdout);
  return 0;
}

}  // namespace

void AddCompletionCommand(CLI::App& app, int* exit_code) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "completion",
      "Print a script with which a shell completes commands, options and config keys.");
  command->add_option("SHELL", *shell, "The shell that the script is for.")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(kInstallation);
  command->callback([&app, shell, exit_code] { *exit_code = PrintCompletion(app, *shell); });
}

}  // namespace wavemt
