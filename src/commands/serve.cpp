#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "server/access.h"
#include "server/http_server.h"
#include "server/language_pair.h"
#include "server/server_metrics.h"
#include "server/server_options.h"
#include "server/translation_service.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/memory.h"
#include "support/signals.h"
#include "workflow/compute_device.h"
#include "workflow/languages.h"
#include "workflow/trained_model.h"

namespace wavemt {
namespace {

struct ServeOptions {
  std::vector<std::string> models;
  std::string token_file;
  int64_t max_seconds = 60;
  ServerOptions server;
  ConfigOverrides overrides;
  ComputeOptions compute;
};

// Each connection is a descriptor, and shells often allow only 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Otherwise the C library gives hundreds of threads hundreds of heaps, each of which keeps what is
// freed.
void LimitHeaps() {
#if defined(__GLIBC__)
  mallopt(M_ARENA_MAX, 4);
#endif
}

LanguagePair LanguagesOf(const ModelArgument& argument, const Config& config) {
  if (argument.languages) return *argument.languages;
  LanguagePair languages = {.source = SourceLanguage(config.data),
                            .target = TargetLanguage(config.data)};
  if (!IsLanguageCode(languages.source) || !IsLanguageCode(languages.target)) {
    throw UsageError("{}: its config does not say its languages; name them, for example en-de={}",
                     argument.path, argument.path);
  }
  return languages;
}

std::vector<ServedModel> OpenModels(const ServeOptions& options) {
  const torch::Device device = SelectDevice(options.compute);
  std::vector<ServedModel> models;
  for (size_t i = 0; i < options.models.size(); ++i) {
    const ModelArgument argument = ParseModelArgument(options.models[i]);
    if (argument.path.empty()) {
      throw UsageError("{}: names no model after the =", options.models[i]);
    }
    TrainedModel opened = OpenModel(argument.path, options.overrides, device);
    const LanguagePair languages = LanguagesOf(argument, opened.config);
    for (size_t other = 0; other < i; ++other) {
      if (IsSameLanguage(models[other].languages.Text(), languages.Text())) {
        throw UsageError("{} and {}: both translate {}; keep one", options.models[other],
                         options.models[i], languages.Text());
      }
    }
    models.push_back(
        {.languages = languages, .translator = opened.TakeTranslator(), .config = opened.config});
    spdlog::info("{}: translates {} on {}", argument.path, languages.Text(),
                 DescribeDevice(device));
  }
  return models;
}

int Serve(ServeOptions options) {
  ServerOptions& server_options = options.server;
  ServiceLimits& limits = server_options.limits;
  limits.max_seconds = std::chrono::seconds(options.max_seconds);
  if (limits.max_lines > limits.max_queue_lines) {
    throw UsageError("--max-lines {}: must not be more than --max-queue-lines, which is {}",
                     limits.max_lines, limits.max_queue_lines);
  }
  if (!options.token_file.empty()) server_options.token = ReadToken(options.token_file);
  if (!IsLoopback(server_options.host) && server_options.token.empty()) {
    spdlog::warn(
        "--host {}: everybody who reaches this machine can translate; --token-file FILE "
        "asks for a token",
        server_options.host);
  }
  RaiseDescriptorLimit();
  LimitHeaps();
  ReturnFreedBlocks();
  HttpServer server(server_options);
  ServerMetrics metrics;
  TranslationService service(OpenModels(options), limits, &metrics);
  InstallStopSignals();
  spdlog::info("listening on {}", server.url());
  fmt::print("{}\n", server.url());
  std::fflush(stdout);  // Scripts wait for this line.
  const bool finished = server.Run(&service, &metrics, [] { return StopSignal() != 0; });
  spdlog::info("stopped");
  if (finished) return 0;
  // Threads still use what would be destroyed now.
  spdlog::warn("some connections were still open and are cut off");
  std::_Exit(0);
}

}  // namespace

void AddServeCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ServeOptions>();
  ServerOptions& server = options->server;
  CLI::App* command = app.add_subcommand("serve", "Translate for other programs, over HTTP.");
  command
      ->add_option("MODEL", options->models,
                   "Runs' folders or checkpoints, each with its languages before it if its config "
                   "does not say them: en-de=runs/multi30k.")
      ->required()
      ->type_name("DIR");
  command->add_option("--port", server.port, "Where to listen; 0: any port that is free.")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command
      ->add_option("--host", server.host,
                   "The address to listen on; 127.0.0.1: only this machine can reach it.")
      ->type_name("ADDRESS")
      ->check(NotEmpty())
      ->capture_default_str();
  command
      ->add_option("--token-file", options->token_file,
                   "A file whose first line is the token that requests must bring.")
      ->check(NotEmpty());
  command->add_option("--max-body-bytes", server.max_body_bytes, "Largest body of a request.")
      ->check(CLI::Range(size_t{1024}, kMaxJsonBytes))
      ->capture_default_str();
  command->add_option("--max-lines", server.limits.max_lines, "Most lines of a request.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--max-queue-lines", server.limits.max_queue_lines,
                   "Most lines that wait; requests for more are refused.")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command
      ->add_option("--max-seconds", options->max_seconds,
                   "Longest time from a request to the end of its answer.")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  command
      ->add_option("--max-connections", server.max_connections,
                   "Most connections at once; each has a thread, and further ones wait.")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  AddDecodingOptions(command, /*with_n_best=*/false);
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Serve(*options);
  });
}

}  // namespace wavemt
