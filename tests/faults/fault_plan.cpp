#include "fault_plan.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <map>

namespace file_faults {
namespace {

struct Plan {
  std::string folder;
  Decision decision;
  long first = LONG_MAX;
  long last = LONG_MAX;
  std::string begin_call;
  std::string begin_text;
  std::string only;
  int trace = -1;

  bool is_range() const { return last != first; }
};

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Decision DecisionNamed(const std::string& name) {
  static const std::map<std::string, Fault> kFaults = {
      {"kill", Fault::kKill},   {"torn", Fault::kTorn}, {"powercut", Fault::kPowerCut},
      {"short", Fault::kShort}, {"flip", Fault::kFlip}, {"stop", Fault::kStop}};
  static const std::map<std::string, int> kErrors = {
      {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EIO", EIO}, {"EROFS", EROFS}, {"EACCES", EACCES}};
  if (const auto found = kFaults.find(name); found != kFaults.end()) return {found->second, 0};
  return {Fault::kError, kErrors.at(name)};
}

Plan ReadPlan() {
  Plan plan;
  plan.folder = Variable("FILE_FAULTS_FOLDER");
  plan.only = Variable("FILE_FAULTS_ONLY");
  if (const std::string text = Variable("FILE_FAULTS_PLAN"); !text.empty()) {
    const size_t at = text.find('@');
    plan.decision = DecisionNamed(text.substr(0, at));
    char* end = nullptr;
    plan.first = plan.last = std::strtol(text.c_str() + at + 1, &end, 10);
    if (*end == '+') plan.last = LONG_MAX;
    if (*end == '-') plan.last = std::strtol(end + 1, nullptr, 10);
  }
  if (const std::string text = Variable("FILE_FAULTS_BEGIN"); !text.empty()) {
    plan.begin_call = text.substr(0, text.find(':'));
    plan.begin_text = text.substr(text.find(':') + 1);
  }
  if (const std::string text = Variable("FILE_FAULTS_TRACE"); !text.empty()) {
    plan.trace = static_cast<int>(syscall(SYS_openat, AT_FDCWD, text.c_str(),
                                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  }
  return plan;
}

const Plan& ThePlan() {
  static const Plan kPlan = ReadPlan();
  return kPlan;
}

// Whether a disk that is full, broken or write-protected makes this call fail.
bool CallFailsWith(int error, std::string_view call) {
  const bool writes = call == "write" || call == "fsync" || call == "ftruncate";
  const bool creates = call == "create" || call == "mkdir";
  const bool renames = call == "rename" || call == "unlink" || call == "rmdir";
  if (error == ENOSPC || error == EDQUOT) return writes || creates;
  if (error == EROFS) return writes || creates || renames;
  if (error == EACCES) return creates || renames;
  return true;
}

void Trace(long number, std::string_view call, const std::string& path) {
  const std::string line = std::to_string(number) + " " + std::string(call) + " " + path + "\n";
  syscall(SYS_write, ThePlan().trace, line.data(), line.size());
}

}  // namespace

bool IsWatched(const std::string& path) {
  const std::string& folder = ThePlan().folder;
  return !folder.empty() && path.starts_with(folder + "/");
}

bool PlansPowerCut() { return ThePlan().decision.fault == Fault::kPowerCut; }

Decision Decide(std::string_view call, const std::string& path) {
  static std::atomic<long> count{0};
  static std::atomic<bool> begun{ThePlan().begin_call.empty()};
  const Plan& plan = ThePlan();
  if (!begun && call == plan.begin_call && path.find(plan.begin_text) != std::string::npos) {
    begun = true;
  }
  const bool counts = begun && path.find(plan.only) != std::string::npos;
  const long number = counts ? ++count : 0;
  if (plan.trace >= 0) Trace(number, call, path);
  if (number < plan.first || number > plan.last) return {};
  if (plan.is_range() && plan.decision.fault == Fault::kError &&
      !CallFailsWith(plan.decision.error, call)) {
    return {};
  }
  return plan.decision;
}

}  // namespace file_faults
