#include "commands/log_options.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/logging.h"

namespace wavemt {
namespace {

constexpr auto kLogFormats = std::to_array<std::pair<std::string_view, LogFormat>>(
    {{"text", LogFormat::kText}, {"plain", LogFormat::kPlain}, {"json", LogFormat::kJson}});
constexpr std::string_view kFormatOption = "--log-format";
constexpr std::string_view kQuietOption = "--quiet";

// An unknown name changes nothing: the command line's parser will refuse it.
void SetLogFormat(std::string_view typed, LogOptions* options) {
  for (const auto& [name, format] : kLogFormats) {
    if (name == typed) options->format = format;
  }
}

}  // namespace

void InitLoggingAsTyped(int argc, const char* const* argv) {
  LogOptions options;
  const std::vector<std::string_view> words(argv, argv + argc);
  for (size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    std::string_view word = words[i];
    if (word == kQuietOption) options.quiet = true;
    if (!word.starts_with(kFormatOption)) continue;
    word.remove_prefix(kFormatOption.size());
    if (word.empty() && i + 1 < words.size()) SetLogFormat(words[++i], &options);
    if (word.starts_with('=')) SetLogFormat(word.substr(1), &options);
  }
  InitLogging(options);
}

void AddLogOptions(CLI::App* app) {
  std::vector<std::string> names;
  names.reserve(kLogFormats.size());
  for (const auto& [name, format] : kLogFormats) names.emplace_back(name);
  app->add_option_function<std::string>(
         std::string(kFormatOption), [](const std::string& /*name*/) {},
         "How standard error is written: text, which on a terminal has colours and progress bars; "
         "plain, the same lines without them; json, an object a line. Default: text.")
      ->type_name("FORMAT")
      ->check(CLI::IsMember(names))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group("Log");
  app->add_flag_callback(
         std::string(kQuietOption), [] {}, "Say nothing on standard error but warnings and errors.")
      ->group("Log");
  for (CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    AddLogOptions(command);
  }
}

}  // namespace wavemt
