#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands/commands.h"
#include "commands/doctor_findings.h"
#include "commands/shared_options.h"
#include "support/progress.h"
#include "support/version.h"

namespace wavemt {
namespace {

struct DoctorOptions {
  ComputeOptions compute;
  bool json = false;
};

void PrintFindings(const Diagnosis& diagnosis) {
  const auto print_line = [](const char* name, const std::string& text) {
    fmt::print("{:<16} {}\n", name, text);
  };
  int64_t warnings = 0;
  bool works = true;
  for (const Finding& finding : diagnosis.findings) {
    print_line(finding.name.c_str(), finding.text);
    if (finding.advice.empty()) continue;
    print_line(finding.is_fatal ? "error:" : "warn:", finding.advice);
    works = works && !finding.is_fatal;
    warnings += finding.is_fatal ? 0 : 1;
  }
  print_line("in all", fmt::format("wavemt {} here{}", works ? "works" : "cannot work",
                                   warnings == 0 ? "" : "; " + Counted(warnings, "warning")));
}

void PrintForPrograms(Diagnosis* diagnosis, bool works) {
  Json advice = Json::array();
  for (const Finding& finding : diagnosis->findings) {
    if (finding.advice.empty()) continue;
    advice.push_back({{"about", finding.name},
                      {"level", finding.is_fatal ? "error" : "warn"},
                      {"text", finding.advice}});
  }
  diagnosis->facts["works"] = works;
  diagnosis->facts["advice"] = std::move(advice);
  fmt::print("{}", JsonText(diagnosis->facts));
}

int Examine(const DoctorOptions& options) {
  Diagnosis diagnosis;
  diagnosis.findings.push_back(
      {.name = "wavemt", .text = fmt::format("{}, commit {}", ProgramVersion(), ProgramCommit())});
  diagnosis.facts["version"] = std::string(ProgramVersion());
  diagnosis.facts["commit"] = std::string(ProgramCommit());
  ExamineMachine(&diagnosis);
  ExamineComputing(options.compute, &diagnosis);
  ExamineSurroundings(&diagnosis);
  const bool works =
      std::ranges::none_of(diagnosis.findings, [](const Finding& f) { return f.is_fatal; });
  if (options.json) {
    PrintForPrograms(&diagnosis, works);
  } else {
    PrintFindings(diagnosis);
  }
  return works ? 0 : 1;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command = app.add_subcommand(
      "doctor", "Say what this machine can do, and what wavemt would choose on it.");
  command->add_flag("--json", options->json, "Print an object for programs.");
  AddComputeOptions(command, &options->compute);
  command->footer("The exit code is 1 if something keeps wavemt from working, else 0.");
  command->callback([options, exit_code] { *exit_code = Examine(*options); });
}

}  // namespace wavemt
