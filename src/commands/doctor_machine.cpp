#include <fmt/format.h>
#include <langinfo.h>
#include <locale.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "commands/doctor_findings.h"
#include "interchange/python_script.h"
#include "support/cgroup_limits.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/memory.h"
#include "support/processor.h"
#include "support/progress.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr int64_t kLittle = int64_t{1} << 30;  // Of memory or disk, in bytes.

std::string BytesText(int64_t bytes) { return HumanBytes(static_cast<double>(bytes)); }

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

void ExamineProcessor(Diagnosis* diagnosis) {
  const Processor processor = ReadProcessor();
  Finding finding = {.name = "processor", .text = ProcessorText(processor)};
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2")) {
    finding.advice = "without AVX2 everything takes several times as long";
  }
#endif
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["processor"] = {{"model", processor.model},
                                   {"instructions", processor.instructions}};
}

void ExamineCores(const CgroupLimits& limits, Diagnosis* diagnosis) {
  const int all = NumProcessors();
  const int allowed = NumAllowedProcessors();
  std::string text = fmt::format("{} of {}", allowed, all);
  if (limits.processors) {
    text += fmt::format(", and the time of {:.3g} of them (control group)", *limits.processors);
  }
  diagnosis->findings.push_back({.name = "cores", .text = std::move(text)});
  diagnosis->facts["cores"] = {
      {"online", all}, {"allowed", allowed}, {"quota", OrNull(limits.processors)}};
}

void ExamineMemory(const CgroupLimits& limits, Diagnosis* diagnosis) {
  const std::optional<SystemMemory> memory = MeasureSystemMemory();
  Finding finding = {.name = "memory", .text = "unknown"};
  std::optional<int64_t> usable = limits.memory;
  if (memory) {
    finding.text =
        fmt::format("{} free of {}", BytesText(memory->available), BytesText(memory->total));
    usable = std::min(usable.value_or(memory->available), memory->available);
  }
  if (limits.memory) {
    finding.text += fmt::format("; the control group allows {}", BytesText(*limits.memory));
  }
  if (usable && *usable < kLittle) {
    finding.advice =
        "this is little for training; a small model, or --memory-limit, which does batches in "
        "parts, may fit";
  }
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["memory"] = {{"total", memory ? Json(memory->total) : Json()},
                                {"available", memory ? Json(memory->available) : Json()},
                                {"limit", OrNull(limits.memory)}};
}

void ExamineLargePages(Diagnosis* diagnosis) {
  const std::string setting = LargePagesSetting();
  Finding finding = {.name = "large pages", .text = setting.empty() ? "unknown" : setting};
  if (setting == "madvise") finding.text += ": where a program asks for them, as wavemt does";
  if (setting == "never") {
    finding.advice =
        "training on the CPU takes longer without them; as root: echo madvise > "
        "/sys/kernel/mm/transparent_hugepage/enabled";
  }
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["large_pages"] = setting.empty() ? Json() : Json(setting);
}

void ExamineDisk(const char* name, const char* fact, const fs::path& folder, Diagnosis* diagnosis) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  const bool is_known = !error && space.available != static_cast<uintmax_t>(-1);
  const auto free_bytes = is_known ? static_cast<int64_t>(space.available) : 0;
  Finding finding = {.name = name, .text = "unknown"};
  if (is_known) finding.text = fmt::format("{} free in {}", BytesText(free_bytes), folder.string());
  if (is_known && free_bytes < kLittle) {
    finding.advice = "this is little for the checkpoints of a run; --run-dir names another folder";
  }
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts[fact] = {{"path", folder.string()},
                            {"free", is_known ? Json(free_bytes) : Json()}};
}

void ExamineOpenFiles(Diagnosis* diagnosis) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  constexpr rlim_t kFew = 1024;
  const auto text = [](rlim_t number) {
    return number == RLIM_INFINITY ? "any number" : fmt::format("{}", number);
  };
  const auto json = [](rlim_t number) { return number == RLIM_INFINITY ? Json() : Json(number); };
  Finding finding = {.name = "open files", .text = text(limit.rlim_cur)};
  if (limit.rlim_cur != limit.rlim_max) {
    finding.text += fmt::format("; wavemt serve raises it to {}", text(limit.rlim_max));
  }
  if (limit.rlim_max < kFew) {
    finding.advice = "wavemt serve needs one for each connection; see ulimit -Hn";
  }
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["open_files"] = {{"now", json(limit.rlim_cur)}, {"most", json(limit.rlim_max)}};
}

void ExamineTerminal(Diagnosis* diagnosis) {
  std::string text = "none: progress comes as lines of the log";
  if (LogsToTerminal()) {
    const char* name = std::getenv("TERM");
    text = fmt::format("{}, {} columns", name == nullptr ? "yes" : name, TerminalWidth());
  }
  diagnosis->findings.push_back({.name = "terminal", .text = std::move(text)});
  diagnosis->facts["terminal"] = LogsToTerminal();
}

// What the environment's locale writes characters in; empty if the locale is not installed.
std::string LocaleEncoding() {
  const locale_t locale = newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return "";
  std::string encoding = nl_langinfo_l(CODESET, locale);
  freelocale(locale);
  return encoding;
}

void ExamineLocale(Diagnosis* diagnosis) {
  const std::string encoding = LocaleEncoding();
  Finding finding = {.name = "locale",
                     .text = encoding.empty() ? "one that is not installed here" : encoding};
  if (encoding != "UTF-8") {
    finding.advice =
        "wavemt reads and writes UTF-8 all the same, but this terminal may show other characters; "
        "export LC_ALL=C.UTF-8";
  }
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["locale"] = encoding.empty() ? Json() : Json(encoding);
}

// Whether a shell would find this program.
bool IsProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0;
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable == nullptr ? "" : variable;
  while (!folders.empty()) {
    const size_t end = std::min(folders.find(':'), folders.size());
    const fs::path path = fs::path(folders.substr(0, end)) / name;
    if (access(path.c_str(), X_OK) == 0) return true;
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return false;
}

void ExaminePython(Diagnosis* diagnosis) {
  Finding finding = {.name = "Python"};
  std::string interpreter;
  try {
    interpreter = InterpreterOf("to_ctranslate2.py");
    finding.text = interpreter + ", for wavemt export --format ctranslate2";
    if (!IsProgram(interpreter)) {
      finding.text = "none: " + interpreter + " is not there";
      finding.advice =
          "only wavemt export --format ctranslate2 needs it; WAVEMT_PYTHON can name one";
      interpreter.clear();
    }
  } catch (const Error& error) {
    finding.text = error.what();
    finding.advice = "only wavemt export needs it";
  }
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["python"] = interpreter.empty() ? Json() : Json(interpreter);
}

}  // namespace

void ExamineMachine(Diagnosis* diagnosis) {
  const CgroupLimits limits = ReadCgroupLimits();
  ExamineProcessor(diagnosis);
  ExamineCores(limits, diagnosis);
  ExamineMemory(limits, diagnosis);
  ExamineLargePages(diagnosis);
  std::error_code ignored;
  ExamineDisk("disk", "disk", fs::current_path(ignored), diagnosis);
  ExamineDisk("temporary", "temporary", fs::temp_directory_path(ignored), diagnosis);
  ExamineOpenFiles(diagnosis);
}

void ExamineSurroundings(Diagnosis* diagnosis) {
  ExamineTerminal(diagnosis);
  ExamineLocale(diagnosis);
  ExaminePython(diagnosis);
}

}  // namespace wavemt
