#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wavemt {

/// A script of ours that is installed beside the program, or lies in its checkout. A usage error if
/// it is not there.
std::filesystem::path FindScript(const std::string& name);

/// The interpreter that RunScript() starts for this script. An error as of FindScript().
std::string InterpreterOf(const std::string& name);

/// Runs FindScript(name) and waits for it. The interpreter is the one that the environment variable
/// WAVEMT_PYTHON names, else .venv/bin/python of the checkout, else python3. What the script writes
/// to standard error appears only in the error that is thrown if it fails: a usage error with its
/// last line. `needs` says what to install, for the case that there is no interpreter.
void RunScript(const std::string& name, const std::vector<std::string>& arguments,
               const std::string& needs);

}  // namespace wavemt
