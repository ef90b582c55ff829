#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace wavemt {

// The command line as data, for what is made of it: completion scripts and manual pages.

/// What a shell can offer for a value.
enum class ValueKind {
  kNothing,    // A number or a text that only the user knows; also where there is no value.
  kChoice,     // One of `choices`.
  kFile,       // What is not known to be something else is taken for a file, as shells do.
  kFolder,     // Its type name is DIR.
  kConfigKey,  // KEY=VALUE
};

/// An option, a flag or a positional argument.
struct OptionInfo {
  std::vector<std::string> names{};  // "-m", "--metrics"; of an argument "MODEL" alone.
  std::string value_name{};          // "FILE", "{text,json}"; empty: a flag.
  std::string default_value{};       // Empty: none is known.
  std::string description{};
  std::string group{};
  ValueKind kind = ValueKind::kNothing;
  std::vector<std::string> choices{};
  size_t most_values = 0;  // That may follow it; a flag has 0.
  bool is_required = false;
  bool is_repeatable = false;  // Whether it may be typed again.
};

/// The program, whose path is empty, or a command of it.
struct CommandInfo {
  std::string path{};  // "tokenizer train"
  std::string description{};
  std::string footer{};
  std::vector<OptionInfo> arguments{};
  std::vector<OptionInfo> options{};  // Without those that --help does not show.
  std::vector<CommandInfo> commands{};

  /// The last word of the path.
  std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

/// Describes `app` and all its subcommands.
CommandInfo DescribeCommands(const CLI::App& app);

/// `command` and all commands below it, each before those that are below it.
std::vector<const CommandInfo*> AllCommands(const CommandInfo& command);

/// What fits on a line of a list: the first sentence of a description, without its full stop.
std::string FirstSentence(const std::string& description);

}  // namespace wavemt
