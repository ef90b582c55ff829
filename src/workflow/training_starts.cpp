#include "workflow/training_starts.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "support/processor.h"
#include "support/progress.h"
#include "support/version.h"
#include "workflow/json_lines.h"
#include "workflow/libtorch_facts.h"

namespace wavemt {
namespace {

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
    std::string program = fmt::format("wavemt {} ({}), LibTorch {}", TextInLine(line, "wavemt"),
                                      TextInLine(line, "commit"), TextInLine(line, "libtorch"));
    std::string machine =
        fmt::format("{}; {}", TextInLine(line, "processor"), TextInLine(line, "device"));
    const int64_t processes = JsonCount(line, "processes", "");
    if (processes > 1) machine += fmt::format("; {} processes", WithThousands(processes));
    AddUnlessThere(std::move(program), &starts.programs);
    AddUnlessThere(std::move(machine), &starts.machines);
  });
  return starts;
}

}  // namespace wavemt
