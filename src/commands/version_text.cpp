#include "commands/version_text.h"

#include <fmt/format.h>

#include "support/processor.h"
#include "support/version.h"
#include "workflow/libtorch_facts.h"

namespace wavemt {
namespace {

std::string OrElse(std::string_view text, const char* other) {
  return std::string(text.empty() ? other : text);
}

}  // namespace

std::string VersionText() {
  const LibTorchFacts libtorch = DescribeLibTorch();
  std::string text = fmt::format("wavemt {}", ProgramVersion());
  const auto add_line = [&](const char* name, const std::string& value) {
    text += fmt::format("\n{:<13} {}", name, value);
  };
  add_line("commit", std::string(ProgramCommit()));
  add_line("LibTorch", libtorch.version);
  add_line("CUDA", OrElse(libtorch.cuda, "none"));
  add_line("SentencePiece", OrElse(SentencePieceVersion(), "unknown"));
  add_line("compiler", CompilerName());
  add_line("processor", ProcessorText(ReadProcessor()));
  return text;
}

}  // namespace wavemt
