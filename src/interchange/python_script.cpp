#include "interchange/python_script.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "config/data_folder.h"
#include "support/error.h"
#include "support/file_descriptor.h"
#include "support/files.h"
#include "support/utf8.h"
#include "support/whitespace.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr const char* kInterpreterVariable = "WAVEMT_PYTHON";

std::string Interpreter(const fs::path& script) {
  if (const char* value = std::getenv(kInterpreterVariable); value != nullptr && *value != '\0') {
    return value;
  }
  // The virtual environment of scripts/setup.sh, if this is a checkout.
  const fs::path own = script.parent_path().parent_path() / ".venv/bin/python";
  return Exists(own) ? own.string() : "python3";
}

// All that the other end writes, but only the last part of it is kept.
std::string ReadEnd(const FileDescriptor& pipe) {
  constexpr size_t kKept = 1 << 14;
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t count = read(pipe.value(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(count));
    if (text.size() > 2 * kKept) text.erase(0, text.size() - kKept);
  }
}

std::string LastLine(std::string_view text) {
  text = StripRight(text);
  const size_t line = text.rfind('\n');
  return ReplaceInvalidUtf8(line == std::string_view::npos ? text : text.substr(line + 1));
}

struct Outcome {
  int status = 0;      // As waitpid() gives it.
  std::string output;  // The end of what was written to standard output and standard error.
};

// Throws the error number if the program cannot be started.
Outcome RunProgram(std::vector<std::string> words) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Failure("pipe: {}", std::strerror(errno));
  const FileDescriptor reads(ends[0]);
  FileDescriptor writes(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writes.value(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, writes.value(), STDERR_FILENO);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int error =
      posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw error;
  writes.Close();
  Outcome outcome;
  outcome.output = ReadEnd(reads);
  while (waitpid(process, &outcome.status, 0) < 0 && errno == EINTR) {
  }
  return outcome;
}

}  // namespace

fs::path FindScript(const std::string& name) {
  const auto folder = SharedFolder("scripts");
  if (!folder || !IsFile(*folder / name)) {
    throw UsageError(
        "{}: is not beside this program, in share/wavemt/scripts; install wavemt whole", name);
  }
  return *folder / name;
}

std::string InterpreterOf(const std::string& name) { return Interpreter(FindScript(name)); }

void RunScript(const std::string& name, const std::vector<std::string>& arguments,
               const std::string& needs) {
  const fs::path script = FindScript(name);
  const std::string interpreter = Interpreter(script);
  std::vector<std::string> words = {interpreter, script.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  Outcome outcome;
  try {
    outcome = RunProgram(std::move(words));
  } catch (const int error) {
    throw UsageError("{}: cannot be started: {}; this needs Python with {}, and {} can name it",
                     interpreter, std::strerror(error), needs, kInterpreterVariable);
  }
  if (WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 0) return;
  const std::string last = LastLine(outcome.output);
  throw UsageError("{} {}: {}", interpreter, script.string(),
                   last.empty() ? "failed without a message" : last);
}

}  // namespace wavemt
