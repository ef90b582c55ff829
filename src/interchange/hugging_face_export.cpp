#include "interchange/hugging_face_export.h"

#include "interchange/hugging_face_tensors.h"
#include "interchange/hugging_face_texts.h"
#include "interchange/refusals.h"

namespace wavemt {

ForeignFiles ToHuggingFace(const ModelParts& parts) {
  RequireHuggingFaceCanHold(parts.config, parts.tokenizers);
  RequireOnlyModelWeights(parts.config.model, parts.weights, "Hugging Face's model");
  return {.texts = HuggingFaceTexts(parts),
          .tensors = ToHuggingFaceTensors(parts.config.model, parts.weights)};
}

}  // namespace wavemt
