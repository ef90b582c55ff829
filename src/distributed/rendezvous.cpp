#include "distributed/rendezvous.h"

#include <charconv>
#include <cstdlib>
#include <limits>

#include "support/error.h"

namespace wavemt {
namespace {

constexpr uint16_t kDefaultPort = 29500;  // PyTorch's.

// The variables of one environment, read as numbers.
class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  std::optional<std::string> Text(const std::string& name) const { return environment_(name); }

  std::string RequiredText(const std::string& name, const char* why) const {
    if (const auto text = Text(name)) return *text;
    throw UsageError("{}: is not set in the environment; {}", name, why);
  }

  std::optional<int64_t> Number(const std::string& name, int64_t least, int64_t most) const {
    const auto text = Text(name);
    if (!text) return std::nullopt;
    int64_t number = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc() || stop != end || number < least || number > most) {
      throw UsageError("{}={} in the environment: must be a whole number from {} to {}", name,
                       *text, least, most);
    }
    return number;
  }

  int64_t RequiredNumber(const std::string& name, int64_t least, int64_t most,
                         const char* why) const {
    RequiredText(name, why);
    return *Number(name, least, most);
  }

 private:
  const Environment& environment_;
};

constexpr int64_t kMaxProcesses = 100'000;
constexpr int64_t kMaxPort = 65'535;

// The numbers that every starter gives, under its own names.
struct Names {
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
  const char* starter;
};

constexpr Names kTorchrun = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "torchrun"};
constexpr Names kSlurm = {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", nullptr, "Slurm"};
constexpr Names kOpenMpi = {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                            "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE", "Open MPI"};

// Everything but the meeting point. One process needs none of the other variables.
Rendezvous ReadNumbers(const Variables& variables, const Names& names) {
  constexpr const char* kWhy =
      "all of RANK, WORLD_SIZE and LOCAL_RANK, or what srun and mpirun set, or none of them";
  Rendezvous found;
  found.starter = names.starter;
  found.size = static_cast<int>(variables.RequiredNumber(names.size, 1, kMaxProcesses, kWhy));
  if (found.size == 1) return found;
  found.rank = static_cast<int>(variables.RequiredNumber(names.rank, 0, found.size - 1, kWhy));
  found.local_rank =
      static_cast<int>(variables.RequiredNumber(names.local_rank, 0, found.size - 1, kWhy));
  found.local_size =
      names.local_size == nullptr
          ? 0
          : static_cast<int>(variables.Number(names.local_size, 1, found.size).value_or(0));
  return found;
}

uint16_t Port(const Variables& variables, uint16_t otherwise) {
  return static_cast<uint16_t>(variables.Number("MASTER_PORT", 1, kMaxPort).value_or(otherwise));
}

Rendezvous FromTorchrun(const Variables& variables) {
  constexpr const char* kWhy =
      "it names the machine where rank 0 runs; torchrun sets it, or set it yourself";
  Rendezvous found = ReadNumbers(variables, kTorchrun);
  if (found.size == 1) return found;
  found.address = variables.RequiredText("MASTER_ADDR", kWhy);
  found.port = Port(variables, kDefaultPort);
  found.store_exists = variables.Text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  return found;
}

Rendezvous FromSlurm(const Variables& variables) {
  // Jobs that share a machine must not share a port.
  constexpr int64_t kFirstPort = 20'000;
  constexpr int64_t kNumPorts = 10'000;
  // A step may have fewer tasks than its job.
  Names names = kSlurm;
  if (variables.Text("SLURM_STEP_NUM_TASKS")) names.size = "SLURM_STEP_NUM_TASKS";
  Rendezvous found = ReadNumbers(variables, names);
  if (found.size == 1) return found;
  found.address =
      variables.Text("MASTER_ADDR").value_or(FirstHost(*variables.Text("SLURM_STEP_NODELIST")));
  const int64_t job =
      variables.Number("SLURM_JOB_ID", 0, std::numeric_limits<int64_t>::max()).value_or(0);
  found.port = Port(variables, static_cast<uint16_t>(kFirstPort + job % kNumPorts));
  if (variables.Number("SLURM_STEP_NUM_NODES", 1, kMaxProcesses) == 1) {
    found.local_size = found.size;
  }
  return found;
}

Rendezvous FromOpenMpi(const Variables& variables) {
  Rendezvous found = ReadNumbers(variables, kOpenMpi);
  if (found.size == 1) return found;
  if (const auto address = variables.Text("MASTER_ADDR")) {
    found.address = *address;
  } else if (found.local_size == found.size) {
    found.address = "127.0.0.1";
  } else {
    throw UsageError(
        "MASTER_ADDR: is not set in the environment; with several machines mpirun needs it: "
        "`mpirun -x MASTER_ADDR=HOST`, the machine where rank 0 runs");
  }
  found.port = Port(variables, kDefaultPort);
  return found;
}

}  // namespace

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<Rendezvous> FindRendezvous(const Environment& environment) {
  const Variables variables(environment);
  std::optional<Rendezvous> found;
  if (variables.Text("RANK") || variables.Text("WORLD_SIZE")) {
    found = FromTorchrun(variables);
  } else if (variables.Text("SLURM_PROCID") && variables.Text("SLURM_STEP_NODELIST")) {
    // A batch script itself has SLURM_PROCID as well, but no step: it runs once.
    found = FromSlurm(variables);
  } else if (variables.Text("OMPI_COMM_WORLD_RANK")) {
    found = FromOpenMpi(variables);
  }
  if (!found || found->size == 1) return std::nullopt;
  return found;
}

std::string FirstHost(const std::string& node_list) {
  const size_t bracket = node_list.find('[');
  const size_t comma = node_list.find(',');
  if (bracket == std::string::npos || comma < bracket) return node_list.substr(0, comma);
  // "node[07-09,12]-ib": the first number, between what stands before and after the brackets.
  const size_t close = node_list.find(']', bracket);
  const size_t end = node_list.find_first_of(",-]", bracket);
  std::string host = node_list.substr(0, bracket);
  host += node_list.substr(bracket + 1, end - bracket - 1);
  if (close == std::string::npos) return host;
  const std::string rest = node_list.substr(close + 1);
  return host + rest.substr(0, rest.find(','));
}

}  // namespace wavemt
