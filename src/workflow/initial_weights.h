#pragma once

#include "config/config.h"
#include "data/tokenizer.h"
#include "model/transformer.h"
#include "workflow/initial_model.h"

namespace wavemt {

/// Copies the weights of `initial` into `model`, a new model of `config` that reads with
/// `tokenizers`. Embeddings of another vocabulary are carried over piece by piece (see
/// vocabulary_transfer.h); tied ones serve for all that they were tied to. The weights of a
/// position encoding that the models do not have in common stay as they were drawn, or are left
/// behind; of tables of different length, the positions that both have are copied. Logs all this. A
/// usage error that lists the other weights that are missing, left over or of another shape, unless
/// `fit` is kPartial.
void TakeWeights(const InitialModel& initial, InitialFit fit, const Config& config,
                 const TokenizerPair& tokenizers, Transformer* model);

}  // namespace wavemt
