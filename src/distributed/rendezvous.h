#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace wavemt {

/// Returns the value of an environment variable; nothing if it is not set or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> ProcessEnvironment(const std::string& name);

/// How the processes of one training find each other, as the program that started them says.
struct Rendezvous {
  int rank = 0;  // The number of this process, from 0.
  int size = 1;  // The number of processes.
  int local_rank = 0;
  int local_size = 1;   // The number of processes on this machine; 0: not known.
  std::string address;  // Of the machine that holds the store in which they meet.
  uint16_t port = 0;
  /// Whether the store exists already, as torchrun's does. Otherwise rank 0 opens it.
  bool store_exists = false;
  std::string starter;  // For people: "torchrun".
};

/// Reads RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT (torchrun); SLURM_PROCID,
/// SLURM_NTASKS, SLURM_LOCALID and SLURM_STEP_NODELIST (srun); or OMPI_COMM_WORLD_RANK, _SIZE and
/// _LOCAL_RANK (mpirun), the first of these that is there. Nothing if none is, or if there is one
/// process. A usage error names a variable that is missing or wrong.
std::optional<Rendezvous> FindRendezvous(const Environment& environment);

/// The first name of a Slurm list of machines: "node07" for "node[07-09,12],login1".
std::string FirstHost(const std::string& node_list);

}  // namespace wavemt
