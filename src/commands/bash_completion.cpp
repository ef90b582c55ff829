#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "commands/completion_scripts.h"

namespace wavemt {
namespace {

// The part that is the same whatever the commands are. What it reads are the functions that are
// written before it.
constexpr const char* kBashEngine = R"SCRIPT(
# Puts what fits to the word `current` into COMPREPLY. $1: @files, @folders, @keys or a list of words.
_wavemt_offer() {
  local values
  case $1 in
    @files)
      compopt -o filenames 2> /dev/null
      mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$current") ;;
    @folders)
      compopt -o filenames 2> /dev/null
      if [[ $current == *=* ]]; then  # wavemt serve en-de=FOLDER
        [[ $COMP_WORDBREAKS == *=* ]] || prefix+=${current%%=*}=
        current=${current#*=}
      fi
      mapfile -t COMPREPLY < <(compgen -P "$prefix" -d -- "$current") ;;
    @keys)
      if [[ $current == *=* ]]; then
        _wavemt_values_of_key "${current%%=*}"
        [[ $COMP_WORDBREAKS == *=* ]] || prefix+=${current%%=*}=
        mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$values" -- "${current#*=}")
      else
        compopt -o nospace 2> /dev/null
        mapfile -t COMPREPLY < <(compgen -P "$prefix" -S = -W "$_wavemt_keys" -- "$current")
      fi ;;
    *)
      mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$1" -- "$current") ;;
  esac
}

_wavemt() {
  local typed=() word current prefix='' command='' option='' i left=0 number=0
  local commands options arguments rest values most
  COMPREPLY=()
  # readline divides words at "=", which is undone here.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((${#typed[@]} > 0)) && [[ $word == =* || ${COMP_WORDS[i - 1]} == *= ]]; then
      typed[${#typed[@]} - 1]+=$word
    else
      typed+=("$word")
    fi
  done
  ((${#typed[@]} > 0)) || return 0
  current=${typed[${#typed[@]} - 1]}
  unset "typed[${#typed[@]} - 1]"
  # Names of files are compared as they are, so without the quotes of the shell.
  [[ $current == [\"\']* ]] && current=${current:1}
  current=${current//\\/}

  # What stands before: the command, how many of its arguments, and how many values the last option
  # may still take.
  _wavemt_describe '' ''
  for word in "${typed[@]}"; do
    if [[ $word == --*=* ]]; then
      left=0
    elif [[ $word == -?* ]]; then
      option=$word
      _wavemt_describe "$command" "$option"
      left=$most
    elif ((left > 0)); then
      left=$((left - 1))
    elif [[ -n $commands && " $commands " == *" $word "* ]]; then
      command=${command:+$command }$word
      number=0
      _wavemt_describe "$command" ''
    else
      number=$((number + 1))
    fi
  done

  if [[ $current == --*=* ]]; then
    _wavemt_describe "$command" "${current%%=*}"
    [[ $COMP_WORDBREAKS == *=* ]] || prefix=${current%%=*}=
    current=${current#*=}
    _wavemt_offer "$values"
  elif ((left > 0)) && [[ $current != -?* ]]; then
    _wavemt_describe "$command" "$option"
    _wavemt_offer "$values"
  elif [[ $current == -* ]]; then
    _wavemt_offer "$options"
  elif [[ -n $commands ]]; then
    _wavemt_offer "$commands"
  elif [[ -n ${arguments[number]-$rest} ]]; then
    _wavemt_offer "${arguments[number]-$rest}"
  else
    _wavemt_offer "$options"
  fi
}

complete -F _wavemt wavemt
)SCRIPT";

constexpr size_t kMostValues = 9999;  // Of an option that takes any number.

std::string BashKind(const OptionInfo& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
      return fmt::format("{}", fmt::join(option.choices, " "));
    case ValueKind::kFile:
      return "@files";
    case ValueKind::kFolder:
      return "@folders";
    case ValueKind::kConfigKey:
      return "@keys";
    case ValueKind::kNothing:
      return "";
  }
  return "";
}

// The branch of _wavemt_describe() for a command.
std::string BashBranch(const CommandInfo& command) {
  std::vector<std::string> commands;
  std::vector<std::string> options;
  for (const CommandInfo& below : command.commands) commands.push_back(below.name());
  for (const OptionInfo& option : command.options) {
    options.insert(options.end(), option.names.begin(), option.names.end());
  }
  std::string text = fmt::format("    '{}')\n      commands='{}'\n      options='{}'\n",
                                 command.path, fmt::join(commands, " "), fmt::join(options, " "));
  std::vector<std::string> arguments;
  for (const OptionInfo& argument : command.arguments) {
    arguments.push_back(fmt::format("'{}'", BashKind(argument)));
    if (argument.most_values > 1) text += fmt::format("      rest='{}'\n", BashKind(argument));
  }
  text += fmt::format("      arguments=({})\n      case $2 in\n", fmt::join(arguments, " "));
  for (const OptionInfo& option : command.options) {
    if (option.most_values == 0) continue;
    text += fmt::format("        {}) values='{}' most={} ;;\n", fmt::join(option.names, " | "),
                        BashKind(option), std::min(option.most_values, kMostValues));
  }
  return text + "      esac ;;\n";
}

}  // namespace

std::string BashCompletion(const CommandInfo& program, const std::vector<ConfigKey>& keys) {
  std::string text =
      "# Completes the command line of wavemt in bash. Written by `wavemt completion bash`.\n\n"
      "_wavemt_keys='";
  for (const ConfigKey& key : keys) text += "\n  " + key.name;
  text +=
      "'\n\n"
      "# Sets values, those of the config key $1.\n"
      "_wavemt_values_of_key() {\n"
      "  values=\n"
      "  case $1 in\n";
  for (const ConfigKey& key : keys) {
    if (key.values.empty()) continue;
    text += fmt::format("    {}) values='{}' ;;\n", key.name, fmt::join(key.values, " "));
  }
  text +=
      "  esac\n"
      "}\n\n"
      "# Sets what can follow the command $1, and values and most, which are those of its option "
      "$2.\n"
      "_wavemt_describe() {\n"
      "  commands= options= arguments=() rest= values= most=0\n"
      "  case $1 in\n";
  for (const CommandInfo* command : AllCommands(program)) text += BashBranch(*command);
  text += "  esac\n}\n";
  return text + kBashEngine;
}

}  // namespace wavemt
