#include "training/gradient_sum.h"

#include <ATen/record_function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <utility>

namespace wavemt {

// Called by autograd when the gradient of one parameter is complete.
class GradientSum::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(GradientSum* sum, size_t parameter) : sum_(sum), parameter_(parameter) {}
  void operator()(const torch::autograd::Variable& /*tensor*/) override {
    sum_->NoteComplete(parameter_);
  }

 private:
  GradientSum* sum_;
  size_t parameter_;
};

GradientSum::GradientSum(std::vector<torch::Tensor> parameters, World* world,
                         const Options& options)
    : parameters_(std::move(parameters)), world_(world), options_(options) {
  if (world_->is_alone()) return;
  MakeBuckets();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameters_[i], std::make_unique<Hook>(this, i));
  }
}

GradientSum::~GradientSum() {
  if (world_->is_alone()) return;
  for (const auto& parameter : parameters_) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  }
}

void GradientSum::MakeBuckets() {
  const int64_t limit = options_.bucket_bytes / static_cast<int64_t>(sizeof(float));
  bucket_of_.resize(parameters_.size());
  std::vector<int64_t> sizes;
  // Backward reaches the last parameters first.
  for (size_t i = parameters_.size(); i-- > 0;) {
    const int64_t size = parameters_[i].numel();
    if (buckets_.empty() || sizes.back() + size > limit) {
      buckets_.emplace_back();
      sizes.push_back(0);
    }
    Bucket& bucket = buckets_.back();
    bucket.parameters.push_back(i);
    bucket.offsets.push_back(sizes.back());
    sizes.back() += size;
    bucket_of_[i] = buckets_.size() - 1;
  }
  for (size_t i = 0; i < buckets_.size(); ++i) {
    Bucket& bucket = buckets_[i];
    bucket.values = torch::zeros({sizes[i]}, parameters_.front().options().requires_grad(false));
    bucket.sent = options_.precision == AllReducePrecision::kBf16
                      ? torch::zeros_like(bucket.values, torch::kBFloat16)
                      : bucket.values;
    cost_.bytes += static_cast<int64_t>(bucket.sent.nbytes());
  }
}

void GradientSum::Begin() {
  is_running_ = true;
  next_ = 0;
  for (Bucket& bucket : buckets_) bucket.missing = bucket.parameters.size();
}

void GradientSum::NoteComplete(size_t parameter) {
  if (!is_running_) return;
  --buckets_[bucket_of_[parameter]].missing;
  // In their order, which is the same on all ranks.
  while (next_ < buckets_.size() && buckets_[next_].missing == 0) Send(buckets_[next_++]);
}

void GradientSum::Send(Bucket& bucket) {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < bucket.parameters.size(); ++i) {
    torch::Tensor& parameter = parameters_[bucket.parameters[i]];
    const torch::Tensor part =
        bucket.values.narrow(0, bucket.offsets[i], parameter.numel()).view_as(parameter);
    torch::Tensor& gradient = parameter.mutable_grad();
    if (gradient.defined()) {
      part.copy_(gradient);
    } else {
      part.zero_();
    }
    gradient = part;
  }
  if (!bucket.sent.is_same(bucket.values)) bucket.sent.copy_(bucket.values);
  bucket.begun = Clock::now();
  bucket.sum = world_->BeginSum(bucket.sent);
}

void GradientSum::Receive(Bucket& bucket) {
  const torch::NoGradGuard no_grad;
  bucket.sum.Wait();
  if (!bucket.sent.is_same(bucket.values)) bucket.values.copy_(bucket.sent);
}

void GradientSum::Finish() {
  if (world_->is_alone()) return;
  RECORD_USER_SCOPE("waiting for gradients");
  if (!is_running_) Begin();
  is_running_ = false;
  const auto start = Clock::now();
  while (next_ < buckets_.size()) Send(buckets_[next_++]);
  // Sums overlap each other: the time in which any of them was on its way.
  double seconds = 0;
  auto busy_until = buckets_.front().begun;
  for (Bucket& bucket : buckets_) {
    Receive(bucket);
    const auto end = bucket.sum.finished().value_or(Clock::now());
    const auto from = std::max(bucket.begun, busy_until);
    if (end > from) seconds += std::chrono::duration<double>(end - from).count();
    busy_until = std::max(busy_until, end);
  }
  cost_.seconds = seconds;
  cost_.waited = std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace wavemt
