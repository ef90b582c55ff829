#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "commands/completion_scripts.h"

namespace wavemt {
namespace {

// A word in single quotes.
std::string ZshQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// `text` with a backslash before each of the `special` characters, which have a meaning to
// _arguments and _describe.
std::string ZshEscaped(const std::string& text, std::string_view special) {
  std::string escaped;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string ZshFunction(const std::string& path) {
  std::string name = path.empty() ? "_wavemt" : "_wavemt_" + path;
  std::replace(name.begin(), name.end(), ' ', '_');
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// ":MESSAGE:ACTION", which says what a value is and what completes it.
std::string ZshValue(const OptionInfo& option, const std::string& what) {
  const std::string message = ":" + ZshEscaped(what, ":");
  switch (option.kind) {
    case ValueKind::kChoice:
      return fmt::format("{}:({})", message, fmt::join(option.choices, " "));
    case ValueKind::kFile:
      return message + ":_files";
    case ValueKind::kFolder:
      return message + ":_wavemt_folders";
    case ValueKind::kConfigKey:
      return message + ":_wavemt_keys";
    case ValueKind::kNothing:
      break;
  }
  return message + ": ";
}

// The words of _arguments for an option: '*--set=[Override a config key]:KEY=VALUE:_wavemt_keys'.
std::string ZshOption(const OptionInfo& option) {
  const bool is_flag = option.most_values == 0;
  const std::string what =
      option.kind == ValueKind::kChoice ? option.names.back() : option.value_name;
  const std::string rest =
      fmt::format("[{}]{}", ZshEscaped(FirstSentence(option.description), "[]"),
                  is_flag ? "" : ZshValue(option, what));
  std::vector<std::string> names;
  for (const std::string& name : option.names) {
    // A value follows -m at once or as the next word, and --metrics after = or as the next word.
    names.push_back(is_flag ? name : name + (name.starts_with("--") ? "=" : "+"));
  }
  if (option.is_repeatable) {
    std::string words;
    for (const std::string& name : names) {
      words += (words.empty() ? "" : " ") + ZshQuoted("*" + name + rest);
    }
    return words;
  }
  if (names.size() == 1) return ZshQuoted(names[0] + rest);
  // Either of the names excludes all of them.
  return fmt::format("'({})'{{{}}}{}", fmt::join(option.names, " "), fmt::join(names, ","),
                     ZshQuoted(rest));
}

// All of the function of a command: its options, its arguments, and where the commands below begin.
std::string ZshCommand(const CommandInfo& command) {
  std::string text = fmt::format("{}() {{\n", ZshFunction(command.path));
  const bool has_commands = !command.commands.empty();
  if (has_commands) {
    text +=
        "  local curcontext=$curcontext state state_descr line\n"
        "  local -A opt_args\n"
        "  local -a commands\n";
  }
  text += has_commands ? "  _arguments -C" : "  _arguments -s -S";
  for (const OptionInfo& option : command.options) text += " \\\n    " + ZshOption(option);
  size_t number = 0;
  for (const OptionInfo& argument : command.arguments) {
    const std::string place = argument.most_values > 1
                                  ? "*"
                                  : fmt::format("{}{}", ++number, argument.is_required ? "" : ":");
    text += " \\\n    " + ZshQuoted(place + ZshValue(argument, argument.names[0]));
  }
  if (!has_commands) return text + "\n}\n\n";
  text += " \\\n    '1:command:->command' '*::argument:->argument' && return 0\n";
  text += "  case $state in\n    command)\n      commands=(";
  for (const CommandInfo& below : command.commands) {
    const std::string line =
        ZshEscaped(below.name(), ":") + ":" + ZshEscaped(FirstSentence(below.description), "");
    text += "\n        " + ZshQuoted(line);
  }
  text += ")\n      _describe -t commands command commands ;;\n";
  text += "    argument)\n      case $words[1] in\n";
  for (const CommandInfo& below : command.commands) {
    text += fmt::format("        {}) {} ;;\n", below.name(), ZshFunction(below.path));
  }
  return text + "      esac ;;\n  esac\n}\n\n";
}

}  // namespace

std::string ZshCompletion(const CommandInfo& program, const std::vector<ConfigKey>& keys) {
  std::string text =
      "#compdef wavemt\n"
      "# Completes the command line of wavemt in zsh. Written by `wavemt completion zsh`.\n\n"
      "# Folders, as they are or after the languages of wavemt serve: en-de=FOLDER.\n"
      "_wavemt_folders() {\n"
      "  compset -P '*='\n"
      "  _files -/\n"
      "}\n\n"
      "# KEY=VALUE, for --set.\n"
      "_wavemt_keys() {\n"
      "  local -a keys values\n"
      "  if compset -P '*='; then\n"
      "    case ${${IPREFIX%=}##*=} in\n";
  for (const ConfigKey& key : keys) {
    if (key.values.empty()) continue;
    text += fmt::format("      {}) values=({}) ;;\n", key.name, fmt::join(key.values, " "));
  }
  text +=
      "    esac\n"
      "    compadd -a values\n"
      "    return\n"
      "  fi\n"
      "  keys=(";
  for (const ConfigKey& key : keys) {
    text += "\n    " + ZshQuoted(key.name + ":" + ZshEscaped(FirstSentence(key.description), ""));
  }
  text +=
      ")\n"
      "  _describe -t keys 'config key' keys -S =\n"
      "}\n\n";
  for (const CommandInfo* command : AllCommands(program)) text += ZshCommand(*command);
  // As a file of fpath this is the body of the function; with `source` it only defines it.
  return text +
         "if [[ $funcstack[1] == _wavemt ]]; then\n"
         "  _wavemt \"$@\"\n"
         "else\n"
         "  compdef _wavemt wavemt\n"
         "fi\n";
}

}  // namespace wavemt
