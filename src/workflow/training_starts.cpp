#include "workflow/training_starts.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "support/error.h"
#include "support/processor.h"
#include "support/progress.h"
#include "support/version.h"
#include "workflow/json_lines.h"
#include "workflow/libtorch_facts.h"

namespace wavemt {
namespace {

std::string TextOfStart(const Json& start, const char* name) {
  if (!start.is_object() || !start.contains(name) || !start[name].is_string()) {
    throw UsageError("\"{}\" is missing or no text", name);
  }
  return start[name].get<std::string>();
}

void AddUnlessThere(std::string text, std::vector<std::string>* texts) {
  if (std::ranges::find(*texts, text) == texts->end()) texts->push_back(std::move(text));
}

}  // namespace

Json DescribeStart(const TrainingStart& start) {
  const LibTorchFacts libtorch = DescribeLibTorch();
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return {{"step", start.step},
          {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now))},
          {"wavemt", std::string(ProgramVersion())},
          {"commit", std::string(ProgramCommit())},
          {"libtorch", libtorch.version},
          {"cuda", libtorch.cuda.empty() ? Json() : Json(libtorch.cuda)},
          {"processor", ProcessorText(ReadProcessor())},
          {"device", start.device},
          {"processes", start.processes}};
}

TrainingStarts ParseStarts(std::string_view text) {
  TrainingStarts starts;
  ForEachJsonLine(text, [&](const Json& line) {
    std::string program = fmt::format("wavemt {} ({}), LibTorch {}", TextOfStart(line, "wavemt"),
                                      TextOfStart(line, "commit"), TextOfStart(line, "libtorch"));
    std::string machine =
        fmt::format("{}; {}", TextOfStart(line, "processor"), TextOfStart(line, "device"));
    const int64_t processes = JsonCount(line, "processes", "");
    if (processes > 1) machine += fmt::format("; {} processes", WithThousands(processes));
    AddUnlessThere(std::move(program), &starts.programs);
    AddUnlessThere(std::move(machine), &starts.machines);
  });
  return starts;
}

}  // namespace wavemt
