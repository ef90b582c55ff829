#include "interchange/hugging_face_tensors.h"

#include <fmt/ranges.h>

#include <set>
#include <utility>
#include <vector>

#include "interchange/residual_columns.h"
#include "model/positions/absolute_positional_encoding.h"
#include "support/error.h"

namespace wavemt {
namespace {

constexpr const char* kOutputBias = "final_logits_bias";
constexpr const char* kShared = "model.shared.weight";
constexpr const char* kEncoderEmbedding = "model.encoder.embed_tokens.weight";
constexpr const char* kDecoderEmbedding = "model.decoder.embed_tokens.weight";
constexpr const char* kOutputProjection = "lm_head.weight";
constexpr const char* kPositionTables[] = {"model.encoder.embed_positions.weight",
                                           "model.decoder.embed_positions.weight"};

// A tensor of theirs that is one of several equal parts of the rows of one of ours.
struct TensorLink {
  std::string theirs;
  std::string ours;
  int64_t part = 0;
  int64_t parts = 1;
  std::vector<int64_t> shape;
};

// Lists the layers' tensors, which have the same names in both of Hugging Face's models.
class LayerLinks {
 public:
  explicit LayerLinks(const ModelConfig& config) : config_(config) {
    for (int64_t i = 0; i < config.num_encoder_layers; ++i) AddLayer("encoder", i);
    for (int64_t i = 0; i < config.num_decoder_layers; ++i) AddLayer("decoder", i);
    if (config.layer_norm == LayerNormPlacement::kPre) {
      for (const char* stack : {"encoder", "decoder"}) {
        AddNorm(fmt::format("model.{}.layer_norm", stack), fmt::format("{}.norm", stack));
      }
    }
  }

  std::vector<TensorLink> Take() { return std::move(links_); }

 private:
  void AddLayer(const std::string& stack, int64_t number) {
    const std::string ours = fmt::format("{}.layers.{}.", stack, number);
    const std::string theirs = fmt::format("model.{}.layers.{}.", stack, number);
    const int64_t width = config_.d_model;
    AddProjections(theirs + "self_attn.", ours + "self_attention.qkv_proj",
                   {"q_proj", "k_proj", "v_proj"});
    AddLinear(theirs + "self_attn.out_proj", ours + "self_attention.out_proj", {width, width});
    AddNorm(theirs + "self_attn_layer_norm", ours + "self_attention_norm");
    if (stack == "decoder") {
      AddProjections(theirs + "encoder_attn.", ours + "cross_attention.q_proj", {"q_proj"});
      AddProjections(theirs + "encoder_attn.", ours + "cross_attention.kv_proj",
                     {"k_proj", "v_proj"});
      AddLinear(theirs + "encoder_attn.out_proj", ours + "cross_attention.out_proj",
                {width, width});
      AddNorm(theirs + "encoder_attn_layer_norm", ours + "cross_attention_norm");
    }
    AddLinear(theirs + "fc1", ours + "feed_forward.in_proj", {config_.ffn_dim, width});
    AddLinear(theirs + "fc2", ours + "feed_forward.out_proj", {width, config_.ffn_dim});
    AddNorm(theirs + "final_layer_norm", ours + "feed_forward_norm");
  }

  // One matrix of ours that is several of theirs.
  void AddProjections(const std::string& theirs, const std::string& ours,
                      const std::vector<std::string>& names) {
    const auto parts = static_cast<int64_t>(names.size());
    const int64_t width = config_.d_model;
    for (int64_t part = 0; part < parts; ++part) {
      const std::string name = theirs + names[static_cast<size_t>(part)];
      links_.push_back({name + ".weight", ours + ".weight", part, parts, {width, width}});
      links_.push_back({name + ".bias", ours + ".bias", part, parts, {width}});
    }
  }

  void AddLinear(const std::string& theirs, const std::string& ours,
                 const std::vector<int64_t>& shape) {
    links_.push_back({theirs + ".weight", ours + ".weight", 0, 1, shape});
    links_.push_back({theirs + ".bias", ours + ".bias", 0, 1, {shape[0]}});
  }

  void AddNorm(const std::string& theirs, const std::string& ours) {
    links_.push_back({theirs + ".weight", ours + ".weight", 0, 1, {config_.d_model}});
    links_.push_back({theirs + ".bias", ours + ".bias", 0, 1, {config_.d_model}});
  }

  const ModelConfig& config_;
  std::vector<TensorLink> links_;
};

void AddEmbeddings(const ModelConfig& config, const NamedTensors& weights, NamedTensors* theirs) {
  const torch::Tensor& source = weights.at("source_embedding.weight");
  if (config.tied_embeddings == TiedEmbeddings::kAll) {
    (*theirs)[kShared] = source;
    return;
  }
  const torch::Tensor& target = weights.at("target_embedding.weight");
  const bool is_tied = config.tied_embeddings == TiedEmbeddings::kDecoder;
  (*theirs)[kEncoderEmbedding] = source;
  (*theirs)[kDecoderEmbedding] = target;
  if (config.layer_norm == LayerNormPlacement::kPre) {
    // Pegasus either ties all embeddings or none, and has a table for both sides that is not used.
    (*theirs)[kShared] = source;
    (*theirs)[kOutputProjection] = is_tied ? target : weights.at("output_projection");
  } else if (!is_tied) {
    (*theirs)[kOutputProjection] = weights.at("output_projection");
  }
}

// Takes tensors by name and knows which were not taken.
class TensorReader {
 public:
  TensorReader(const NamedTensors& tensors, std::string origin)
      : tensors_(tensors), origin_(std::move(origin)) {}

  bool Has(const std::string& name) const { return tensors_.contains(name); }

  torch::Tensor Take(const std::string& name, const std::vector<int64_t>& shape) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
      throw UsageError("{}: has no \"{}\", which its config.json asks for", origin_, name);
    }
    const torch::Tensor& tensor = found->second;
    if (tensor.sizes() != torch::IntArrayRef(shape)) {
      throw UsageError("{}: \"{}\" has the shape {}, but its config.json asks for [{}]", origin_,
                       name, ShapeText(tensor), fmt::join(shape, ", "));
    }
    if (!tensor.is_floating_point()) {
      throw UsageError("{}: \"{}\" holds {} instead of floating-point numbers", origin_, name,
                       torch::toString(tensor.scalar_type()));
    }
    taken_.insert(name);
    return tensor.to(torch::kFloat);
  }

  // The one table that the file may hold under several names.
  torch::Tensor TakeTied(const std::vector<std::string>& names, const std::vector<int64_t>& shape) {
    torch::Tensor tied;
    for (const std::string& name : names) {
      if (!Has(name)) continue;
      const torch::Tensor tensor = Take(name, shape);
      if (tied.defined() && !torch::equal(tied, tensor)) {
        throw UsageError(
            "{}: \"{}\" is not the same as another of {}, but its config.json says that they are "
            "tied",
            origin_, name, fmt::join(names, ", "));
      }
      tied = tensor;
    }
    return tied.defined() ? tied : Take(names.front(), shape);
  }

  void RequireNothingLeft() const {
    for (const auto& [name, tensor] : tensors_) {
      if (!taken_.contains(name)) {
        throw UsageError("{}: holds \"{}\", for which wavemt's model has no place", origin_, name);
      }
    }
  }

  const std::string& origin() const { return origin_; }

 private:
  const NamedTensors& tensors_;
  std::string origin_;
  std::set<std::string> taken_;
};

// Older files hold the tables of positions; they must be the sinusoidal ones.
void CheckPositionTables(const ModelConfig& config, TensorReader* reader) {
  for (const char* name : kPositionTables) {
    if (!reader->Has(name)) continue;
    const int64_t length = config.position_encoding.max_length;
    const auto table = reader->Take(name, {length, config.d_model});
    const auto expected = AbsolutePositionalEncoding(config.d_model, length)
                              ->pe.index_select(1, OrderOfHalves(config.d_model));
    // As far as fp16 can tell.
    if (!torch::allclose(table, expected, /*rtol=*/0.0, /*atol=*/2e-3)) {
      throw UsageError("{}: \"{}\" is not the sinusoidal table; learned ones cannot be imported",
                       reader->origin(), name);
    }
  }
}

void TakeEmbeddings(const ModelConfig& config, const VocabularySizes& vocabulary,
                    TensorReader* reader, NamedTensors* weights) {
  const std::vector<int64_t> source = {vocabulary.source, config.d_model};
  const std::vector<int64_t> target = {vocabulary.target, config.d_model};
  if (config.tied_embeddings == TiedEmbeddings::kAll) {
    (*weights)["source_embedding.weight"] = reader->TakeTied(
        {kShared, kEncoderEmbedding, kDecoderEmbedding, kOutputProjection}, source);
    return;
  }
  (*weights)["source_embedding.weight"] = reader->Take(kEncoderEmbedding, source);
  if (config.tied_embeddings == TiedEmbeddings::kDecoder) {
    (*weights)["target_embedding.weight"] =
        reader->TakeTied({kDecoderEmbedding, kOutputProjection}, target);
  } else {
    (*weights)["target_embedding.weight"] = reader->Take(kDecoderEmbedding, target);
    (*weights)["output_projection"] = reader->Take(kOutputProjection, target);
  }
}

}  // namespace

void RequireOnlyModelWeights(const ModelConfig& config, const NamedTensors& weights,
                             std::string_view format) {
  std::set<std::string> known = {"source_embedding.weight", "target_embedding.weight",
                                 "output_projection", "output_bias", "position_encoding.pe"};
  for (const TensorLink& link : LayerLinks(config).Take()) known.insert(link.ours);
  for (const auto& [name, tensor] : weights) {
    if (!known.contains(name)) {
      throw UsageError("{} cannot hold the weights \"{}\" of this model", format, name);
    }
  }
}

NamedTensors ToHuggingFaceTensors(const ModelConfig& config, const NamedTensors& weights) {
  NamedTensors ours = weights;
  ours.erase("position_encoding.pe");
  ours = WithResidualOrder(ours, OrderOfHalves(config.d_model));
  NamedTensors theirs;
  for (const TensorLink& link : LayerLinks(config).Take()) {
    theirs[link.theirs] = ours.at(link.ours).chunk(link.parts)[static_cast<size_t>(link.part)];
  }
  AddEmbeddings(config, ours, &theirs);
  const auto bias = ours.find("output_bias");
  const torch::Tensor& target = ours.contains("target_embedding.weight")
                                    ? ours.at("target_embedding.weight")
                                    : ours.at("source_embedding.weight");
  theirs[kOutputBias] =
      bias == ours.end() ? torch::zeros({1, target.size(0)}) : bias->second.unsqueeze(0);
  return theirs;
}

NamedTensors FromMarianTensors(const NamedTensors& tensors, const std::string& origin,
                               const VocabularySizes& vocabulary, ModelConfig* config) {
  TensorReader reader(tensors, origin);
  NamedTensors weights;
  std::map<std::string, std::vector<torch::Tensor>> parts;
  for (const TensorLink& link : LayerLinks(*config).Take()) {
    parts[link.ours].push_back(reader.Take(link.theirs, link.shape));  // In the order of the parts.
  }
  for (const auto& [name, of_name] : parts) weights[name] = torch::cat(of_name);
  TakeEmbeddings(*config, vocabulary, &reader, &weights);
  CheckPositionTables(*config, &reader);
  if (reader.Has(kOutputBias)) {
    const auto bias = reader.Take(kOutputBias, {1, vocabulary.target}).squeeze(0);
    config->output_bias = bias.ne(0).any().item<bool>();
    if (config->output_bias) weights["output_bias"] = bias;
  }
  reader.RequireNothingLeft();
  return WithResidualOrder(weights, OrderOfPairs(config->d_model));
}

}  // namespace wavemt
