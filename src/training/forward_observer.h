#pragma once

#include <ATen/record_function.h>
#include <torch/torch.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/transformer.h"

namespace wavemt {

/// The largest magnitude of a tensor's values, or NaN if any value is NaN. Allocates nothing.
double LargestMagnitude(const torch::Tensor& tensor);

/// True if no value of a floating-point tensor is infinite or NaN. Allocates nothing.
bool IsFinite(const torch::Tensor& tensor);

/// Watches a model's forward passes on this thread while it exists: the order in which weights are
/// used, and where a value that is not finite first appears. Modules have no hooks in C++, but
/// LibTorch reports every operation, and an operation's layer can be told from its weights.
class ForwardObserver {
 public:
  explicit ForwardObserver(const TransformerImpl& model);
  ~ForwardObserver();
  ForwardObserver(const ForwardObserver&) = delete;
  ForwardObserver& operator=(const ForwardObserver&) = delete;

  /// The module name of the first layer whose result is not finite; or two names joined by " and "
  /// if the result of the first layer was finite but the input of the second was not. Empty if
  /// every value was finite.
  const std::string& first_bad() const { return first_bad_; }
  bool is_between() const { return is_between_; }

  /// The parameters' names in the order of their first use.
  const std::vector<std::string>& parameters() const { return parameters_; }

 private:
  struct Weight {
    const char* end = nullptr;  // One past its last byte.
    std::string parameter;
  };
  // What is remembered about an operation while it runs.
  struct Operation : at::ObserverContext {
    std::string layer;
    std::string parameter;
    bool has_other_inputs = false;
  };

  static std::unique_ptr<at::ObserverContext> Begin(const at::RecordFunction& function);
  static void End(const at::RecordFunction& function, at::ObserverContext* context);
  std::unique_ptr<Operation> Look(const at::RecordFunction& function);
  void LookAtResults(const at::RecordFunction& function, const Operation& operation);

  void AddWeight(const torch::Tensor& tensor, const std::string& parameter);
  const Weight* WeightOf(const torch::Tensor& tensor) const;
  std::string LayerOf(const std::string& parameter, const at::RecordFunction& function) const;

  std::string output_parameter_;           // The name of TransformerImpl::OutputWeight().
  std::map<const char*, Weight> weights_;  // By the address of the first byte.
  std::vector<torch::Tensor> casts_;  // Of weights, kept so that their addresses are not reused.
  std::vector<std::string> parameters_;
  std::string last_layer_;
  std::string first_bad_;
  bool is_between_ = false;
  at::CallbackHandle handle_;
};

}  // namespace wavemt
