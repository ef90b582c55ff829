#include "workflow/average.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/named_tensors.h"
#include "checkpoint/run_checksums.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/tensor_mean.h"
#include "config/config_writer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "workflow/adapter_info.h"
#include "workflow/languages.h"
#include "workflow/run_files.h"
#include "workflow/same_model.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// A model to be averaged.
struct Candidate {
  std::string name;  // As typed.
  ModelLocation location;
  Config config;
  std::map<std::string, std::string> tokenizers;  // The run's files, by name.
};

// A checkpoint's unique path, whichever of its names it was found by.
fs::path IdentityOf(const fs::path& checkpoint) {
  const fs::path path = fs::canonical(checkpoint);
  const bool is_inside =
      path.filename() == kModelFile && Exists(path.parent_path() / kManifestFile);
  return is_inside ? path.parent_path() : path;
}

// Each checkpoint once, even if it is named several times, for example also as best or latest.
std::vector<Candidate> CandidatesOf(const std::vector<std::string>& names) {
  std::vector<Candidate> candidates;
  std::map<fs::path, std::string> seen;
  for (const std::string& name : names) {
    Candidate candidate{
        .name = name, .location = LocateModel(name), .config = {}, .tokenizers = {}};
    const auto [first, is_new] = seen.emplace(IdentityOf(candidate.location.checkpoint), name);
    if (!is_new) {
      spdlog::warn("{}: is the same checkpoint as {} and counts once", name, first->second);
      continue;
    }
    if (HasAdapter(candidate.location.checkpoint)) {
      throw UsageError("{}: holds an adapter, not a model; {}", name,
                       AdviceToMerge(candidate.location.checkpoint));
    }
    candidate.config = LoadRunConfig(candidate.location.run);
    candidate.tokenizers = ReadTokenizerFiles(candidate.location.run);
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

// Weights of equal shapes may still have different meanings.
void RequireSameKind(const Candidate& a, const Candidate& b) {
  const auto refuse = [&](std::string_view what) {
    throw UsageError(
        "{}: has {} than {}: a mean of the two is not a model; average checkpoints of one training "
        "run",
        b.name, what, a.name);
  };
  if (a.tokenizers != b.tokenizers) refuse("another vocabulary");
  if (a.config.tokenizer.normalize_whitespace != b.config.tokenizer.normalize_whitespace) {
    refuse("another tokenizer.normalize_whitespace");
  }
  if (SourceLanguage(a.config.data) != SourceLanguage(b.config.data) ||
      TargetLanguage(a.config.data) != TargetLanguage(b.config.data)) {
    refuse("other languages");
  }
  if (DifferenceOfModels(a.config, b.config)) refuse("other settings of the model");
}

NamedTensors Mean(const std::vector<Candidate>& candidates) {
  TensorMean mean;
  for (const Candidate& candidate : candidates) {
    mean.Add(ReadWeights(candidate.location.checkpoint), candidate.name);
  }
  return mean.Take();
}

// The combined profile of all training text; nothing if that of any run is unknown.
std::optional<CorpusProfile> ProfileOfAll(const std::vector<Candidate>& candidates) {
  std::map<fs::path, CorpusProfile> of_runs;  // Each run's text counts once.
  for (const Candidate& candidate : candidates) {
    const auto profile = LoadRunProfile(candidate.location.run);
    if (!profile) return std::nullopt;
    of_runs.emplace(fs::canonical(candidate.location.run), *profile);
  }
  std::optional<CorpusProfile> all;
  for (const auto& [run, profile] : of_runs) all = all ? Together(*all, profile) : profile;
  return all;
}

// The last of the known steps of the averaged checkpoints.
int64_t LastStep(const std::vector<Candidate>& candidates) {
  int64_t last = 0;
  for (const Candidate& candidate : candidates) {
    last = std::max(last, StepOfCheckpoint(candidate.location.checkpoint).value_or(0));
  }
  return last;
}

void RequireFree(const fs::path& output, bool is_file) {
  if (!is_file) {
    RequireFreeFolder(output, "--output");
    return;
  }
  RequireOutputFile(output);
  const fs::path folder = fs::weakly_canonical(output).parent_path();
  if (Exists(folder / kManifestFile)) {
    throw UsageError(
        "--output {}: {} is a checkpoint, whose files stay as they are; name a file elsewhere",
        output.string(), folder.string());
  }
}

void WriteModel(const std::vector<Candidate>& candidates, const NamedTensors& mean,
                const fs::path& output) {
  Config config = candidates.front().config;
  config.run_dir = RunDirectory::ResolvePath(output).string();
  std::map<std::string, std::string> files = candidates.front().tokenizers;
  files["config.json"] = ConfigText(config);
  if (const auto profile = ProfileOfAll(candidates)) {
    files[std::string(kCorpusProfileFile)] = CorpusProfileText(*profile);
  }
  RunDirectory::CreateModel(output, files, LastStep(candidates), mean);
}

}  // namespace

size_t AverageCheckpoints(const std::vector<std::string>& checkpoints, const fs::path& output) {
  const bool is_file = output.extension() == ".safetensors";
  RequireFree(output, is_file);
  const std::vector<Candidate> candidates = CandidatesOf(checkpoints);
  for (const Candidate& other : candidates) RequireSameKind(candidates.front(), other);
  const NamedTensors mean = Mean(candidates);
  if (is_file) {
    StagedFile file(output);
    WriteSafetensors(file.contents(), mean, DataChecksum::kInHeader);
    file.Commit();
  } else {
    WriteModel(candidates, mean, output);
  }
  return candidates.size();
}

}  // namespace wavemt
