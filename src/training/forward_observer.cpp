#include "training/forward_observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace wavemt {
namespace {

// LibTorch's callbacks are plain functions, which find their thread's observer here.
thread_local ForwardObserver* observer_of_thread = nullptr;

void AddTensors(const c10::IValue& value, std::vector<torch::Tensor>* tensors) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) tensors->push_back(value.toTensor());
  } else if (value.isTensorList()) {
    for (const torch::Tensor& tensor : value.toTensorVector()) tensors->push_back(tensor);
  }
}

const char* Address(const torch::Tensor& tensor) {
  return tensor.has_storage() ? static_cast<const char*>(tensor.const_data_ptr()) : nullptr;
}

// An operation's outputs may hold anything before it runs.
bool IsOutput(const std::optional<c10::FunctionSchema>& schema, size_t argument) {
  if (!schema || argument >= schema->arguments().size()) return false;
  const c10::AliasInfo* alias = schema->arguments()[argument].alias_info();
  return alias != nullptr && alias->isWrite();
}

}  // namespace

double LargestMagnitude(const torch::Tensor& tensor) {
  const torch::NoGradGuard no_grad;
  return torch::linalg_vector_norm(tensor.detach(), std::numeric_limits<double>::infinity())
      .item<double>();
}

bool IsFinite(const torch::Tensor& tensor) {
  if (tensor.numel() == 0 || !tensor.is_floating_point()) return true;
  return std::isfinite(LargestMagnitude(tensor));
}

ForwardObserver::ForwardObserver(const TransformerImpl& model) {
  for (const auto& item : model.named_parameters()) {
    AddWeight(item.value(), item.key());
    if (item.value().is_same(model.OutputWeight())) output_parameter_ = item.key();
  }
  TORCH_CHECK(observer_of_thread == nullptr, "one observer a thread");
  observer_of_thread = this;
  handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&Begin, &End)
                                           .needsInputs(true)
                                           .needsOutputs(true)
                                           .scopes({at::RecordScope::FUNCTION}));
}

ForwardObserver::~ForwardObserver() {
  at::removeCallback(handle_);
  observer_of_thread = nullptr;
}

std::unique_ptr<at::ObserverContext> ForwardObserver::Begin(const at::RecordFunction& function) {
  if (observer_of_thread == nullptr) return nullptr;
  const at::DisableRecordFunctionGuard no_recording;
  return observer_of_thread->Look(function);
}

void ForwardObserver::End(const at::RecordFunction& function, at::ObserverContext* context) {
  if (observer_of_thread == nullptr || context == nullptr) return;
  const at::DisableRecordFunctionGuard no_recording;
  observer_of_thread->LookAtResults(function, *static_cast<Operation*>(context));
}

// Returns null for operations that use no weight.
std::unique_ptr<ForwardObserver::Operation> ForwardObserver::Look(
    const at::RecordFunction& function) {
  auto operation = std::make_unique<Operation>();
  std::vector<std::pair<size_t, torch::Tensor>> others;
  for (size_t i = 0; i < function.inputs().size(); ++i) {
    std::vector<torch::Tensor> tensors;
    AddTensors(function.inputs()[i], &tensors);
    for (const torch::Tensor& tensor : tensors) {
      const Weight* weight = WeightOf(tensor);
      if (weight == nullptr) {
        others.emplace_back(i, tensor);
      } else {
        if (operation->parameter.empty()) operation->parameter = weight->parameter;
        if (std::ranges::find(parameters_, weight->parameter) == parameters_.end()) {
          parameters_.push_back(weight->parameter);
        }
      }
    }
  }
  if (operation->parameter.empty() || !first_bad_.empty()) return nullptr;
  operation->layer = LayerOf(operation->parameter, function);
  operation->has_other_inputs = !others.empty();
  const auto schema = function.operator_schema();
  for (const auto& [argument, tensor] : others) {
    if (IsOutput(schema, argument) || IsFinite(tensor)) continue;
    is_between_ = !last_layer_.empty();
    first_bad_ =
        is_between_ ? fmt::format("{} and {}", last_layer_, operation->layer) : operation->layer;
    return nullptr;
  }
  return operation;
}

void ForwardObserver::LookAtResults(const at::RecordFunction& function,
                                    const Operation& operation) {
  if (!first_bad_.empty()) return;
  std::vector<torch::Tensor> results;
  for (const c10::IValue& value : function.outputs()) AddTensors(value, &results);
  for (const torch::Tensor& result : results) {
    if (WeightOf(result) != nullptr) continue;  // A view of the weight.
    if (!operation.has_other_inputs) {
      AddWeight(result, operation.parameter);  // A copy of the weight with another type or layout.
      casts_.push_back(result);
    } else if (!IsFinite(result)) {
      first_bad_ = operation.layer;
      return;
    }
  }
  if (operation.has_other_inputs) last_layer_ = operation.layer;
}

void ForwardObserver::AddWeight(const torch::Tensor& tensor, const std::string& parameter) {
  const char* begin = Address(tensor);
  if (begin == nullptr) return;
  weights_[begin] = {.end = begin + tensor.nbytes(), .parameter = parameter};
}

const ForwardObserver::Weight* ForwardObserver::WeightOf(const torch::Tensor& tensor) const {
  const char* address = Address(tensor);
  if (address == nullptr || tensor.numel() == 0) return nullptr;
  const auto next = weights_.upper_bound(address);
  if (next == weights_.begin()) return nullptr;
  const Weight& weight = std::prev(next)->second;
  return address < weight.end ? &weight : nullptr;
}

std::string ForwardObserver::LayerOf(const std::string& parameter,
                                     const at::RecordFunction& function) const {
  // Tied weights have only one name, that of the embedding.
  const bool looks_up = std::string_view(function.name()).find("embedding") != std::string::npos;
  const bool is_output = parameter == output_parameter_ || parameter == "output_bias";
  if (is_output && !looks_up) return "output_projection";
  return parameter.substr(0, parameter.rfind('.'));
}

}  // namespace wavemt
