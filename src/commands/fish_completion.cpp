#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "commands/completion_scripts.h"

namespace wavemt {
namespace {

// A word in single quotes.
std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

// "" for what only the user knows.
std::string FishSource(const OptionInfo& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
      return FishQuoted(fmt::format("{}", fmt::join(option.choices, " ")));
    case ValueKind::kFolder:
      return "'(__wavemt_folders)'";
    case ValueKind::kConfigKey:
      return "'(__wavemt_keys)'";
    case ValueKind::kFile:
    case ValueKind::kNothing:
      break;
  }
  return "";
}

// The words of `complete` for what a value is: -x takes no files, -F does.
std::string FishValue(const OptionInfo& option) {
  if (option.kind == ValueKind::kFile) return " -r -F";
  const std::string source = FishSource(option);
  return source.empty() ? " -x" : " -x -a " + source;
}

std::string FishOption(const OptionInfo& option) {
  std::string text;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    text += fmt::format(" {} {}", is_long ? "-l" : "-s", name.substr(is_long ? 2 : 1));
  }
  if (option.most_values > 0) text += FishValue(option);
  return fmt::format("{} -d {}", text, FishQuoted(FirstSentence(option.description)));
}

std::string FishCommand(const CommandInfo& command) {
  // `complete` for all that this command takes, whatever has been typed after it.
  const std::string anywhere =
      command.path.empty() ? std::string("complete -c wavemt -n __wavemt_stands_before_commands")
                           : fmt::format("complete -c wavemt -n '__wavemt_is_in {}'", command.path);
  std::string text = fmt::format("\n# wavemt {}\n", command.path);
  for (const CommandInfo& below : command.commands) {
    const std::string condition = command.path.empty()
                                      ? "__wavemt_stands_before_commands"
                                      : fmt::format("'__wavemt_stands_after {}'", command.path);
    text += fmt::format("complete -c wavemt -n {} -a {} -d {}\n", condition, below.name(),
                        FishQuoted(FirstSentence(below.description)));
  }
  for (const OptionInfo& argument : command.arguments) {
    if (argument.kind == ValueKind::kNothing) continue;
    text += anywhere;
    text += argument.kind == ValueKind::kFile ? " -F" : " -a " + FishSource(argument);
    text += "\n";
  }
  for (const OptionInfo& option : command.options) text += anywhere + FishOption(option) + "\n";
  return text;
}

}  // namespace

std::string FishCompletion(const CommandInfo& program, const std::vector<ConfigKey>& keys) {
  std::string text =
      "# Completes the command line of wavemt in fish. Written by `wavemt completion fish`.\n\n"
      "# Whether no command has been typed yet.\n"
      "function __wavemt_stands_before_commands\n"
      "    test (count (commandline -opc)) -eq 1\n"
      "end\n\n"
      "# Whether these words, and no others, have been typed.\n"
      "function __wavemt_stands_after\n"
      "    set -l words (commandline -opc)\n"
      "    set -e words[1]\n"
      "    test \"$words\" = \"$argv\"\n"
      "end\n\n"
      "# Whether these are the first words that have been typed.\n"
      "function __wavemt_is_in\n"
      "    set -l words (commandline -opc)\n"
      "    set -e words[1]\n"
      "    test (count $words) -ge (count $argv)\n"
      "    or return 1\n"
      "    set -l first $words[1..(count $argv)]\n"
      "    test \"$first\" = \"$argv\"\n"
      "end\n\n"
      "# The word at the cursor, without the name of an option before it: --set=VALUE.\n"
      "function __wavemt_value\n"
      "    string replace -r '^-[^=]*=' '' -- (commandline -ct)\n"
      "end\n\n"
      "# Folders, as they are or after the languages of wavemt serve: en-de=FOLDER.\n"
      "function __wavemt_folders\n"
      "    set -l value (__wavemt_value)\n"
      "    set -l before (string match -r '^.*=' -- $value)\n"
      "    for folder in (__fish_complete_directories (string replace -r '^.*=' '' -- $value))\n"
      "        echo \"$before$folder\"\n"
      "    end\n"
      "end\n\n"
      "# KEY=VALUE, for --set.\n"
      "function __wavemt_keys\n"
      "    switch (__wavemt_value)\n";
  for (const ConfigKey& key : keys) {
    if (key.values.empty()) continue;
    text += fmt::format("        case '{}=*'\n            printf '%s\\n'", key.name);
    for (const std::string& value : key.values) text += fmt::format(" {}={}", key.name, value);
    text += "\n";
  }
  text +=
      "        case '*'\n"
      "            printf '%s=\\t%s\\n'";
  for (const ConfigKey& key : keys) {
    text += " \\\n                " + key.name + " " + FishQuoted(FirstSentence(key.description));
  }
  text +=
      "\n    end\n"
      "end\n\n"
      "complete -c wavemt -f\n";
  for (const CommandInfo* command : AllCommands(program)) text += FishCommand(*command);
  return text;
}

}  // namespace wavemt
