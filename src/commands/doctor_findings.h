#pragma once

#include <string>
#include <vector>

#include "support/json.h"
#include "workflow/compute_device.h"

namespace wavemt {

/// One line of `wavemt doctor`.
struct Finding {
  std::string name{};     // "threads"
  std::string text{};     // What there is, and what wavemt makes of it.
  std::string advice{};   // A sentence on what could be better; empty: it is good.
  bool is_fatal = false;  // Whether wavemt cannot work with this.
};

struct Diagnosis {
  std::vector<Finding> findings{};
  Json facts = Json::object();  // The same for programs, without the advice.
};

// Each adds what it looks at. What the system does not tell is "unknown", and never an error.

/// The machine: processor, cores, memory, large pages, disks, open files.
void ExamineMachine(Diagnosis* diagnosis);

/// What surrounds the program: terminal, locale, the Python of `wavemt export`.
void ExamineSurroundings(Diagnosis* diagnosis);

/// LibTorch with all it brings along, the GPUs, and what wavemt computes with: the device that
/// `options` select, as for any command, its threads, and the precision of "auto", which takes a
/// measurement. After ExamineMachine(), with whose cores the threads are compared.
void ExamineComputing(const ComputeOptions& options, Diagnosis* diagnosis);

}  // namespace wavemt
