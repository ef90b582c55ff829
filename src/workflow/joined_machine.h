#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "distributed/world.h"
#include "workflow/compute_device.h"

namespace wavemt {

/// What a training runs on: the device of this process, and the processes that train together.
struct JoinedMachine {
  torch::Device device = torch::kCPU;
  std::shared_ptr<World> world;
};

/// Selects the device and, if torchrun, srun or mpirun has started several processes, joins the
/// others (see rendezvous.h), with a GPU and a share of the processors of its own for each. From
/// then on, ranks above 0 log only errors.
JoinedMachine JoinMachine(const ComputeOptions& options);

/// From now on, ranks above 0 log warnings too, each with its number.
void LogTrainingOf(const World& world);

/// A fact about a training with its value, for example "training.batch_tokens" and "4096".
using TrainingFacts = std::vector<std::pair<std::string, std::string>>;

/// The facts that a program and a config are: versions, number types, and all keys but paths, which
/// may differ from machine to machine.
TrainingFacts FactsOf(const Config& config, torch::Device device);

/// Throws a usage error that names the rank and the fact unless all ranks have the same facts.
void RequireSameFacts(World& world, const TrainingFacts& facts);

}  // namespace wavemt
