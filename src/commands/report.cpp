#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/live_report.h"
#include "commands/run_report_reader.h"
#include "commands/shared_options.h"
#include "commands/text_output.h"
#include "report/run_page.h"
#include "server/http_page_server.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/signals.h"
#include "workflow/compute_device.h"
#include "workflow/evaluate_run.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string output;
  bool live = false;
  int port = 0;
  bool evaluate = false;
  int64_t sentences = 3;
  ComputeOptions compute;
};

constexpr const char* kDefaultName = "report.html";

std::string OutputOf(const ReportOptions& options) {
  if (!options.output.empty()) return options.output;
  return options.runs.size() == 1 ? (fs::path(options.runs.front()) / kDefaultName).string()
                                  : kDefaultName;
}

// A page that somebody else made is not replaced: it may have the same name.
void RequireOwnPage(const std::string& output) {
  if (output == "-" || !IsFile(output)) return;
  const std::string beginning = ReadFile(output, kRunPageMarkBytes);
  if (beginning.empty() || IsRunPage(beginning)) return;
  throw UsageError("{}: exists and is not a report of wavemt; name another file with --output",
                   output);
}

int WriteReport(const ReportOptions& options) {
  RunReportReader reader(options.runs, /*may_be_empty=*/false);
  const std::string path = OutputOf(options);
  RequireOwnPage(path);
  TextOutput output(path);  // Opened first, so that an error is reported early.
  RunReport report = reader.Read();
  if (options.evaluate) {
    const torch::Device device = SelectDevice(options.compute);
    for (ReportedRun& run : report.runs) {
      run.evaluation = EvaluateRun(run.record.path, options.sentences, device);
    }
  }
  output.Write(RunPage(report));
  output.Finish();
  if (path != "-") spdlog::info("{}: written; open it in a browser", path);
  return 0;
}

int ServeReport(const ReportOptions& options) {
  LiveReport report(options.runs);
  HttpPageServer server(options.port);
  const ChangingPage page = {.stamp = [&report] { return report.Stamp(); },
                             .html = [&report] { return report.Html(); },
                             .policy = std::string(RunPagePolicy())};
  InstallStopSignals();
  spdlog::info("open {} in a browser; Ctrl-C stops", server.url());
  fmt::print("{}\n", server.url());
  std::fflush(stdout);  // Scripts wait for this line.
  const bool finished = server.Run(page, [] { return StopSignal() != 0; });
  spdlog::info("stopped");
  if (finished) return 0;
  // Threads still use what would be destroyed now.
  spdlog::warn("some connections were still open and are cut off");
  std::_Exit(0);
}

int Report(const ReportOptions& options) {
  if (!options.live) return WriteReport(options);
  if (!options.output.empty()) {
    throw UsageError("--live and --output: a live page is not written to a file; choose one");
  }
  if (options.evaluate) {
    throw UsageError(
        "--live and --evaluate: a live page does not translate; report the run with --evaluate "
        "when it has ended");
  }
  return ServeReport(options);
}

}  // namespace

void AddReportCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      app.add_subcommand("report",
                         "Make a page about runs: curves, scores, sample translations, configs, "
                         "positions.");
  command->add_option("RUN", options->runs, "The folders of one or more runs.")
      ->required()
      ->check(NotEmpty());
  command
      ->add_option("--output", options->output,
                   "The page, an HTML file; -: standard output. Default: report.html in the run's "
                   "folder, or for several runs in the current one.")
      ->check(NotEmpty());
  command->add_flag("--evaluate", options->evaluate,
                    "Translate the first set of data.valid with the best model, for BLEU by the "
                    "length of the source and pictures of attention.");
  command
      ->add_option("--sentences", options->sentences,
                   "With --evaluate: how many sentences' attention is drawn; 0: none.")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  CLI::Option* live =
      command->add_flag("--live", options->live,
                        "Do not write a file, but show the page to browsers on this machine and "
                        "make it anew as the training goes on.");
  command->add_option("--port", options->port, "With --live: where to listen; 0: any that is free.")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str()
      ->needs(live);
  AddComputeOptions(command, &options->compute);
  command->callback([options, exit_code] { *exit_code = Report(*options); });
}

}  // namespace wavemt
