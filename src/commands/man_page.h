#pragma once

#include <string>

#include "commands/command_tree.h"

namespace wavemt {

// Manual pages in roff with the macros of man(7).

/// wavemt.1: the program, and the list of its commands.
std::string ProgramPage(const CommandInfo& program);

/// wavemt-COMMAND.1, of a command of the program with all that is below it.
std::string CommandPage(const CommandInfo& command);

/// "wavemt-train.1" for the path "train"; "wavemt.1" for the program.
std::string PageFileName(const CommandInfo& command);

/// Text such that roff shows it as it is, wherever it stands in a line.
std::string EscapeRoff(const std::string& text);

}  // namespace wavemt
