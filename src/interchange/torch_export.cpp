#include "interchange/torch_export.h"

#include <string>

#include "config/config_fields.h"
#include "interchange/hugging_face_tensors.h"
#include "interchange/python_script.h"
#include "interchange/refusals.h"
#include "support/files.h"
#include "support/json.h"

namespace wavemt {

ForeignFiles ToTorch(const ModelParts& parts) {
  RequireTorchScriptCanHold(parts.config);
  const ModelConfig& model = parts.config.model;
  RequireOnlyModelWeights(model, parts.weights, "the script for PyTorch");
  const SpecialTokens& special = parts.tokenizers.target->special();
  // Only what the script needs: a run's config holds the paths of this machine.
  const Json json = {
      {"num_heads", model.num_heads},
      {"num_encoder_layers", model.num_encoder_layers},
      {"num_decoder_layers", model.num_decoder_layers},
      {"ffn_dim", model.ffn_dim},
      {"layer_norm", NameOf(model.layer_norm)},
      {"activation", NameOf(model.activation)},
      {"tied_embeddings", NameOf(model.tied_embeddings)},
      {"max_output_length", parts.config.decoding.max_output_length},
      {"bos", special.bos},
      {"eos", special.eos},
      {"never", {special.pad, special.bos, special.unk}},
  };
  ForeignFiles files;
  files.texts["model.json"] = JsonText(json);
  files.texts["translate.py"] = ReadFile(FindScript("torch_translate.py"));
  files.texts["source.model"] = parts.tokenizers.source->bytes();
  files.texts["target.model"] = parts.tokenizers.target->bytes();
  files.tensors = parts.weights;
  return files;
}

}  // namespace wavemt
