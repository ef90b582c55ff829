#include "training/step_profiler.h"

#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "support/error.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr std::string_view kOther = "other";
constexpr size_t kOperationsShown = 12;

// LibTorch's callbacks are plain functions: this is how they find the profiler of their thread.
thread_local StepProfiler* active = nullptr;

double Milliseconds(double seconds, int64_t steps) {
  return 1e3 * seconds / static_cast<double>(std::max<int64_t>(steps, 1));
}

// Multiplications and additions of a matrix product; 0 for other operations.
double ProductsOf(const std::string& operation, c10::ArrayRef<const c10::IValue> inputs) {
  const size_t first = operation == "mm" || operation == "bmm" ? 0
                       : operation.starts_with("addmm")        ? 1
                                                               : inputs.size();
  if (first + 1 >= inputs.size() || !inputs[first].isTensor() || !inputs[first + 1].isTensor()) {
    return 0;
  }
  const torch::Tensor& left = inputs[first].toTensor();  // [..., rows, inner]
  return 2.0 * static_cast<double>(left.numel()) *
         static_cast<double>(inputs[first + 1].toTensor().size(-1));
}

// Floating-point operations a second of products of 2048 x 2048 matrices.
double ProductSpeed(torch::ScalarType type) {
  constexpr int64_t kSize = 2048;
  constexpr int kRounds = 10;
  const auto a = torch::randn({kSize, kSize}).to(type);
  const auto b = torch::randn({kSize, kSize}).to(type);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    torch::mm(a, b);
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2.0 * kSize * kSize * kSize / best;
}

std::string PlainName(std::string name) {
  const size_t colons = name.rfind("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

}  // namespace

StepProfiler::StepProfiler()
    : usage_at_start_(MeasureUsage()), start_(Clock::now()), last_event_(start_) {
  TORCH_CHECK(active == nullptr, "one profiler a thread");
  active = this;
  handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&Begin, &End).needsInputs(true));
}

StepProfiler::~StepProfiler() {
  at::removeCallback(handle_);
  active = nullptr;
}

std::unique_ptr<at::ObserverContext> StepProfiler::Begin(const at::RecordFunction& function) {
  if (active != nullptr) active->Push(function);
  return nullptr;
}

void StepProfiler::End(const at::RecordFunction& /*function*/, at::ObserverContext* /*context*/) {
  if (active != nullptr) active->Pop();
}

void StepProfiler::Push(const at::RecordFunction& function) {
  Charge();
  const bool is_part = function.scope() == at::RecordScope::USER_SCOPE;
  const bool is_node = function.scope() == at::RecordScope::BACKWARD_FUNCTION;
  Frame frame = frames_.empty() ? Frame{.part = std::string(kOther), .operation = "", .is_part = {}}
                                : frames_.back();
  frame.is_part = is_part;
  if (is_part) {
    frame.part = function.name();
    frame.operation = "";
    frame.first_sequence = static_cast<int64_t>(at::sequence_number::peek());
  } else {
    if (is_node) {
      frame.is_backward = true;
      if (function.seqNr() >= 0) frame.part = PartOfNode(function.seqNr());
    }
    frame.operation = PlainName(function.name());
    ++operations_[frame.operation].calls;
    products_ += ProductsOf(frame.operation, function.inputs());
  }
  frames_.push_back(std::move(frame));
}

void StepProfiler::Pop() {
  Charge();
  if (frames_.empty()) return;  // The profiler was made inside the scope.
  const Frame& frame = frames_.back();
  if (frame.is_part) {
    ranges_.push_back({.begin = frame.first_sequence,
                       .end = static_cast<int64_t>(at::sequence_number::peek()),
                       .part = frame.part});
  }
  frames_.pop_back();
}

void StepProfiler::Charge() {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_event_).count();
  last_event_ = now;
  const std::string part = frames_.empty() ? std::string(kOther) : frames_.back().part;
  const bool is_backward = !frames_.empty() && frames_.back().is_backward;
  (is_backward ? parts_[part].backward : parts_[part].forward) += seconds;
  if (!frames_.empty() && !frames_.back().operation.empty()) {
    operations_[frames_.back().operation].forward += seconds;
  }
}

std::string StepProfiler::PartOfNode(int64_t sequence) const {
  // Later ranges are of later steps or enclose earlier ones; the first hit from behind that is
  // narrower than its neighbours is the innermost.
  const Range* found = nullptr;
  constexpr size_t kLookBack = 4096;
  const size_t first = ranges_.size() > kLookBack ? ranges_.size() - kLookBack : 0;
  for (size_t i = first; i < ranges_.size(); ++i) {
    const Range& range = ranges_[i];
    if (sequence < range.begin || sequence >= range.end) continue;
    if (found == nullptr || range.end - range.begin < found->end - found->begin) found = &range;
  }
  return found == nullptr ? std::string(kOther) : found->part;
}

StepProfiler::Usage StepProfiler::MeasureUsage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {.page_faults = usage.ru_minflt,
          .user_seconds = seconds(usage.ru_utime),
          .system_seconds = seconds(usage.ru_stime)};
}

std::string StepProfiler::Report(int64_t steps, int64_t target_tokens,
                                 torch::ScalarType type) const {
  const double seconds = std::chrono::duration<double>(last_event_ - start_).count();
  std::string text =
      fmt::format("{} steps of {:.1f} ms, {} target tokens/s\n\n{:32}{:>10}{:>10}{:>10}{:>8}\n",
                  steps, Milliseconds(seconds, steps),
                  WithThousands(static_cast<int64_t>(static_cast<double>(target_tokens) / seconds)),
                  "ms a step", "forward", "backward", "total", "share");
  using Row = std::pair<std::string, Time>;
  const auto sorted = [](const std::map<std::string, Time>& times) {
    std::vector<Row> rows(times.begin(), times.end());
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return a.second.forward + a.second.backward > b.second.forward + b.second.backward;
    });
    return rows;
  };
  for (const auto& [part, time] : sorted(parts_)) {
    const double total = time.forward + time.backward;
    text += fmt::format("{:32}{:>10.1f}{:>10.1f}{:>10.1f}{:>7.1f}%\n", part,
                        Milliseconds(time.forward, steps), Milliseconds(time.backward, steps),
                        Milliseconds(total, steps), 100 * total / seconds);
  }
  text += fmt::format("\n{:32}{:>10}{:>10}{:>8}\n", "operation, by itself", "calls", "ms", "share");
  auto operations = sorted(operations_);
  operations.resize(std::min(operations.size(), kOperationsShown));
  for (const auto& [operation, time] : operations) {
    text += fmt::format("{:32}{:>10.0f}{:>10.1f}{:>7.1f}%\n", operation.substr(0, 31),
                        static_cast<double>(time.calls) / static_cast<double>(steps),
                        Milliseconds(time.forward, steps), 100 * time.forward / seconds);
  }
  const Usage usage = MeasureUsage();
  const double user = usage.user_seconds - usage_at_start_.user_seconds;
  const double system = usage.system_seconds - usage_at_start_.system_seconds;
  text += fmt::format(
      "\n{} page faults a step; processor time {:.2f} of the clock's, {:.1f}% of it the kernel's\n",
      WithThousands((usage.page_faults - usage_at_start_.page_faults) /
                    std::max<int64_t>(steps, 1)),
      (user + system) / seconds, 100 * system / (user + system));
  const double products = products_;  // ProductSpeed() is observed as well.
  const double speed = ProductSpeed(type);
  const double alone = products / speed;
  text += fmt::format(
      "matrix products: {:.1f} GFLOP a step; at this machine's {:.0f} GFLOP/s ({}, 2048 x 2048) "
      "they "
      "take {:.1f} ms, {:.0f}% of the step\n",
      1e-9 * products / static_cast<double>(steps), 1e-9 * speed, torch::toString(type),
      Milliseconds(alone, steps), 100 * alone / seconds);
  return text;
}

}  // namespace wavemt
