#include "workflow/joined_machine.h"

#include <torch/version.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <thread>

#include "config/config_writer.h"
#include "support/error.h"
#include "support/json.h"
#include "support/logging.h"
#include "support/version.h"

namespace wavemt {
namespace {

// Keys whose values are paths or hold some. Whether the texts there are the same is a fact of its
// own.
constexpr std::string_view kPathKeys[] = {"run_dir",
                                          "data.train",
                                          "data.valid",
                                          "data.test",
                                          "data.cache_dir",
                                          "tokenizer.model",
                                          "tokenizer.source_model",
                                          "tokenizer.target_model"};

// The device and threads of one process of several on the same machine.
ComputeOptions ShareOf(ComputeOptions options, const Rendezvous& rendezvous) {
  const bool wants_gpu =
      options.device == "cuda" || (options.device == "auto" && torch::cuda::is_available());
  if (wants_gpu) {
    // Slurm's --gpus-per-task shows each task its own GPU only.
    const bool has_own = torch::cuda::device_count() == 1;
    options.device = fmt::format("cuda:{}", has_own ? 0 : rendezvous.local_rank);
  }
  // torchrun sets this variable itself.
  const bool threads_are_set = options.threads != 0 || ProcessEnvironment("OMP_NUM_THREADS");
  if (!threads_are_set && rendezvous.local_size > 0) {
    const auto processors = static_cast<int>(std::thread::hardware_concurrency());
    options.threads = std::max(processors / rendezvous.local_size, 1);
  }
  return options;
}

}  // namespace

JoinedMachine JoinMachine(const ComputeOptions& options) {
  const std::optional<Rendezvous> rendezvous = FindRendezvous(ProcessEnvironment);
  if (!rendezvous) {
    return {.device = SelectDevice(options), .world = std::make_shared<World>()};
  }
  LogAsRank(rendezvous->rank, /*with_warnings=*/false);
  const torch::Device device = SelectDevice(ShareOf(options, *rendezvous));
  return {.device = device, .world = World::Join(*rendezvous, {.device = device})};
}

void LogTrainingOf(const World& world) {
  if (!world.is_alone()) LogAsRank(world.rank(), /*with_warnings=*/true);
}

TrainingFacts FactsOf(const Config& config, torch::Device device) {
  TrainingFacts facts = {
      {"the version of wavemt", std::string(ProgramVersion())},
      {"the version of LibTorch", TORCH_VERSION},
      {"the kind of device", device.is_cuda() ? "a GPU" : "the CPU"},
  };
  for (const auto& [key, value] : ConfigValues(config)) {
    const auto is_of = [&key = key](std::string_view path) { return key.starts_with(path); };
    if (std::ranges::none_of(kPathKeys, is_of)) facts.emplace_back(key, value.dump());
  }
  return facts;
}

void RequireSameFacts(World& world, const TrainingFacts& facts) {
  if (world.is_alone()) return;
  const std::vector<std::string> all = world.Gather(Json(facts).dump());
  world.OnFirst([&] {
    constexpr const char* kMissing = "not set";
    for (size_t rank = 1; rank < all.size(); ++rank) {
      const auto others = Json::parse(all[rank]).get<TrainingFacts>();
      // Both begin with the versions, of which another has other facts.
      for (size_t i = 0; i < std::max(facts.size(), others.size()); ++i) {
        const bool is_here = i < facts.size();
        const bool is_there = i < others.size();
        if (is_here && is_there && facts[i] == others[i]) continue;
        const std::string& name = is_here ? facts[i].first : others[i].first;
        const bool is_same_name = is_there && others[i].first == name;
        throw UsageError("{} differs from rank 0: {} is {} there and {} on rank 0",
                         world.NameOf(static_cast<int>(rank)), name,
                         is_same_name ? others[i].second : kMissing,
                         is_here ? facts[i].second : kMissing);
      }
    }
  });
}

}  // namespace wavemt
