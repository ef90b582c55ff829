#include "model/gradient_checkpoint.h"

#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/saved_variable_hooks.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "model/autocast.h"

namespace wavemt {
namespace {

using torch::Tensor;
using torch::autograd::SavedVariableHooks;

thread_local bool checkpoints_layers = false;

// Called for each tensor that an operation on this thread keeps for its backward pass, before it is
// kept. Null: LibTorch keeps it.
using KeepTensor = std::function<std::unique_ptr<SavedVariableHooks>()>;
thread_local const KeepTensor* keep_tensor = nullptr;

class KeepingBy {
 public:
  explicit KeepingBy(const KeepTensor& keep) : previous_(std::exchange(keep_tensor, &keep)) {}
  ~KeepingBy() { keep_tensor = previous_; }
  KeepingBy(const KeepingBy&) = delete;
  KeepingBy& operator=(const KeepingBy&) = delete;

 private:
  const KeepTensor* previous_;
};

// LibTorch asks its engine how to keep a tensor. Its own engine for C++ has no answer, only the one
// for Python has, so this one takes its place. In all else it is LibTorch's own.
class CheckpointingEngine final : public torch::autograd::Engine {
 public:
  static torch::autograd::Engine& Get() {
    static CheckpointingEngine engine;
    return engine;
  }
  std::unique_ptr<SavedVariableHooks> get_default_saved_variable_hooks() override {
    return keep_tensor == nullptr ? nullptr : (*keep_tensor)();
  }
};

// The random numbers of a device: those that dropout draws there.
class RandomNumbers {
 public:
  explicit RandomNumbers(torch::Device device)
      : generator_(at::globalContext().defaultGenerator(device)) {}

  Tensor State() {
    const std::scoped_lock lock(generator_.mutex());
    return generator_.get_state();
  }
  void SetState(const Tensor& state) {
    const std::scoped_lock lock(generator_.mutex());
    generator_.set_state(state);
  }

 private:
  at::Generator generator_;
};

// Goes back to an earlier state of a device's random numbers for as long as it exists.
class EarlierRandomNumbers {
 public:
  EarlierRandomNumbers(torch::Device device, const Tensor& state)
      : numbers_(device), present_(numbers_.State()) {
    numbers_.SetState(state);
  }
  ~EarlierRandomNumbers() { numbers_.SetState(present_); }
  EarlierRandomNumbers(const EarlierRandomNumbers&) = delete;
  EarlierRandomNumbers& operator=(const EarlierRandomNumbers&) = delete;

 private:
  RandomNumbers numbers_;
  Tensor present_;
};

// One call of a layer: the tensors that its backward pass needs, numbered in the order in which its
// operations ask to keep them. There are none until the first of them is needed.
class LayerCheckpoint : public std::enable_shared_from_this<LayerCheckpoint> {
 public:
  LayerCheckpoint(torch::Device device, std::function<Tensor()> layer)
      : device_(device),
        layer_(std::move(layer)),
        precision_(Autocast::PrecisionOn(device)),
        random_numbers_(RandomNumbers(device).State()) {}

  Tensor Run() {
    const KeepTensor keep = [this] { return std::make_unique<Number>(this, num_tensors_++); };
    const KeepingBy keeping(keep);
    return layer_();
  }

 private:
  // What is kept in place of a tensor.
  class Number final : public SavedVariableHooks {
   public:
    Number(LayerCheckpoint* checkpoint, size_t number)
        : checkpoint_(checkpoint->shared_from_this()), number_(number) {}
    void call_pack_hook(const Tensor& /*tensor*/) override {}
    Tensor call_unpack_hook() override { return checkpoint_->Take(number_); }

   private:
    std::shared_ptr<LayerCheckpoint> checkpoint_;
    size_t number_;
  };

  // Takes the tensors of the second run, whose own operations have no backward pass.
  class Taker final : public SavedVariableHooks {
   public:
    explicit Taker(LayerCheckpoint* checkpoint) : checkpoint_(checkpoint) {}
    void call_pack_hook(const Tensor& tensor) override { checkpoint_->Add(tensor); }
    Tensor call_unpack_hook() override { return {}; }

   private:
    LayerCheckpoint* checkpoint_;
  };

  struct AllTensorsAreThere {};

  Tensor Take(size_t number) {
    if (layer_) RunAgain();
    Tensor tensor = std::exchange(tensors_.at(number), {});
    TORCH_CHECK(tensor.defined(), "a backward pass through a checkpoint can run only once");
    return tensor;
  }

  void RunAgain() {
    // Now or never, so that what the layer owns lives no longer than it would have.
    const std::function<Tensor()> layer = std::exchange(layer_, nullptr);
    const torch::AutoGradMode with_grad(/*enabled=*/true);
    const Autocast autocast(device_, precision_);
    const EarlierRandomNumbers random_numbers(device_, random_numbers_);
    const KeepTensor keep = [this] { return std::make_unique<Taker>(this); };
    const KeepingBy keeping(keep);
    try {
      layer();
    } catch (const AllTensorsAreThere&) {
    }
    TORCH_CHECK(tensors_.size() == num_tensors_, "a layer kept ", num_tensors_,
                " tensors, and then ", tensors_.size());
  }

  void Add(const Tensor& tensor) {
    // Without its history, which would hold the operations of the second run.
    tensors_.push_back(tensor.detach());
    // The rest of the layer would be for nothing. With layer_norm "pre" that is the second product
    // of the feed-forward layer, often a third of all that an encoder layer multiplies.
    if (tensors_.size() == num_tensors_) throw AllTensorsAreThere();
  }

  torch::Device device_;
  std::function<Tensor()> layer_;
  Precision precision_;
  Tensor random_numbers_;  // Their state before the layer.
  size_t num_tensors_ = 0;
  std::vector<Tensor> tensors_;
};

}  // namespace

GradientCheckpointing::GradientCheckpointing(bool enabled)
    : previously_enabled_(std::exchange(checkpoints_layers, enabled)) {
  if (enabled) torch::autograd::set_default_engine_stub(&CheckpointingEngine::Get);
}

GradientCheckpointing::~GradientCheckpointing() { checkpoints_layers = previously_enabled_; }

Tensor Checkpointed(torch::Device device, std::function<Tensor()> layer) {
  if (!checkpoints_layers || !torch::GradMode::is_enabled()) return layer();
  return std::make_shared<LayerCheckpoint>(device, std::move(layer))->Run();
}

}  // namespace wavemt
