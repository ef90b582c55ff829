#include "training/step_profiler.h"

#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>
#include <c10/core/AutogradState.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include "model/best_time.h"
#include "support/error.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr std::string_view kOther = "other";
constexpr size_t kOperationsShown = 12;

// LibTorch's callbacks are plain functions, which find their thread's profiler here.
thread_local StepProfiler* profiler_of_thread = nullptr;

// The number of multiplications and additions of a matrix product; 0 for other operations.
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

// The size of square matrices that are large enough to be multiplied at full speed.
int64_t LargeSize(torch::Device device) { return device.is_cuda() ? 8192 : 2048; }

// The speed of products of large matrices in floating-point operations per second.
double ProductSpeed(const torch::TensorOptions& numbers) {
  constexpr int kRounds = 10;
  const int64_t size = LargeSize(numbers.device());
  const auto a = torch::randn({size, size}, numbers);
  const auto b = torch::randn({size, size}, numbers);
  const double seconds = BestSeconds(kRounds, numbers.device(), [&] { torch::mm(a, b); });
  return 2.0 * std::pow(static_cast<double>(size), 3) / seconds;
}

// The rows of a table, in descending order of time.
template <typename Time>
std::vector<std::pair<std::string, Time>> LongestFirst(const std::map<std::string, Time>& times) {
  std::vector<std::pair<std::string, Time>> rows(times.begin(), times.end());
  std::ranges::sort(rows, std::greater{}, [](const auto& row) { return row.second.total(); });
  return rows;
}

std::string PlainName(const std::string& name) {
  const size_t colons = name.rfind("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

}  // namespace

StepProfiler::StepProfiler(torch::Device device)
    : device_(device),
      backward_had_threads_(c10::AutogradState::get_tls_state().get_multithreading_enabled()),
      usage_at_start_(MeasureUsage()),
      start_(Clock::now()),
      last_event_(start_) {
  TORCH_CHECK(profiler_of_thread == nullptr, "one profiler a thread");
  profiler_of_thread = this;
  // Otherwise a GPU's backward pass runs on a separate thread, which the profiler cannot observe.
  c10::AutogradState::get_tls_state().set_multithreading_enabled(false);
  handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&Begin, &End).needsInputs(true));
}

StepProfiler::~StepProfiler() {
  at::removeCallback(handle_);
  c10::AutogradState::get_tls_state().set_multithreading_enabled(backward_had_threads_);
  profiler_of_thread = nullptr;
}

std::unique_ptr<at::ObserverContext> StepProfiler::Begin(const at::RecordFunction& function) {
  if (profiler_of_thread != nullptr) profiler_of_thread->Push(function);
  return nullptr;
}

void StepProfiler::End(const at::RecordFunction& /*function*/, at::ObserverContext* /*context*/) {
  if (profiler_of_thread != nullptr) profiler_of_thread->Pop();
}

void StepProfiler::Push(const at::RecordFunction& function) {
  Charge();
  Frame frame =
      frames_.empty() ? Frame{.scope = std::string(kOther), .operation = ""} : frames_.back();
  if (function.scope() == at::RecordScope::USER_SCOPE) {
    frame.scope = function.name();
    frame.operation = "";
    frame.first_sequence = static_cast<int64_t>(at::sequence_number::peek());
  } else {
    if (function.scope() == at::RecordScope::BACKWARD_FUNCTION) {
      frame.is_backward = true;
      if (function.seqNr() >= 0) frame.scope = ScopeOfNode(function.seqNr());
    }
    frame.operation = PlainName(function.name());
    ++operations_[frame.operation].calls;
    products_ += ProductsOf(frame.operation, function.inputs());
  }
  frames_.push_back(std::move(frame));
}

void StepProfiler::Pop() {
  Charge();
  if (frames_.empty()) return;  // The profiler was created inside the scope.
  const Frame& frame = frames_.back();
  if (frame.operation.empty()) {
    ranges_.push_back({.begin = frame.first_sequence,
                       .end = static_cast<int64_t>(at::sequence_number::peek()),
                       .scope = frame.scope});
  }
  frames_.pop_back();
}

void StepProfiler::Charge() {
  WaitFor(device_);
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_event_).count();
  last_event_ = now;
  const Frame outside{.scope = std::string(kOther), .operation = ""};
  const Frame& frame = frames_.empty() ? outside : frames_.back();
  ScopeTime& time = scopes_[frame.scope];
  (frame.is_backward ? time.backward : time.forward) += seconds;
  if (!frame.operation.empty()) operations_[frame.operation].seconds += seconds;
}

std::string StepProfiler::ScopeOfNode(int64_t sequence) const {
  // Numbers only grow, and inner scopes end before outer ones, so the first range that ends after
  // the number and contains it is the innermost.
  auto range = std::ranges::upper_bound(ranges_, sequence, {}, &Range::end);
  while (range != ranges_.end() && range->begin > sequence) ++range;
  return range == ranges_.end() ? std::string(kOther) : range->scope;
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

std::string StepProfiler::Report(const Work& work) const {
  const double seconds = std::chrono::duration<double>(last_event_ - start_).count();
  const auto share = [&](double some) { return 100 * some / seconds; };
  const auto ms = [&](double whole) { return 1e3 * whole / static_cast<double>(work.steps); };
  const auto speed = static_cast<int64_t>(static_cast<double>(work.target_tokens) / seconds);
  std::string text = fmt::format(
      "{} steps of {:.1f} ms, {} target tokens/s\n\n{:32}{:>10}{:>10}{:>10}{:>8}\n", work.steps,
      ms(seconds), WithThousands(speed), "ms a step", "forward", "backward", "total", "share");
  for (const auto& [scope, time] : LongestFirst(scopes_)) {
    text += fmt::format("{:32}{:>10.1f}{:>10.1f}{:>10.1f}{:>7.1f}%\n", scope, ms(time.forward),
                        ms(time.backward), ms(time.total()), share(time.total()));
  }
  text += fmt::format("\n{:32}{:>10}{:>10}{:>8}\n", "operation, by itself", "calls", "ms", "share");
  auto operations = LongestFirst(operations_);
  operations.resize(std::min(operations.size(), kOperationsShown));
  for (const auto& [operation, time] : operations) {
    text += fmt::format("{:32}{:>10.0f}{:>10.1f}{:>7.1f}%\n", operation.substr(0, 31),
                        static_cast<double>(time.calls) / static_cast<double>(work.steps),
                        ms(time.seconds), share(time.seconds));
  }
  const Usage usage = MeasureUsage();
  const double user = usage.user_seconds - usage_at_start_.user_seconds;
  const double system = usage.system_seconds - usage_at_start_.system_seconds;
  text += fmt::format(
      "\n{} page faults a step; processor time {:.2f} of the clock's, {:.1f}% of it the kernel's\n",
      WithThousands((usage.page_faults - usage_at_start_.page_faults) / work.steps),
      (user + system) / seconds, 100 * system / (user + system));
  const double products = products_;  // A copy, because ProductSpeed() adds to it.
  const double product_speed = ProductSpeed(torch::TensorOptions(device_).dtype(work.numbers));
  const double alone = products / product_speed;
  return text + fmt::format(
                    "matrix products: {:.1f} GFLOP a step; at this machine's {:.0f} GFLOP/s ({}, "
                    "{} x {}) they take {:.1f} ms, {:.0f}% of the step\n",
                    1e-9 * products / static_cast<double>(work.steps), 1e-9 * product_speed,
                    torch::toString(work.numbers), LargeSize(device_), LargeSize(device_),
                    ms(alone), share(alone));
}

}  // namespace wavemt
