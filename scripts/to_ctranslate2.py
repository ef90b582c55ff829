#!/usr/bin/env python3
"""Writes a model of wavemt as a model of CTranslate2: `wavemt export MODEL DIR --format ctranslate2`
runs this, and so can you.

usage: to_ctranslate2.py RUN CHECKPOINT DIR
  RUN         the run's folder, with config.json and the tokenizer
  CHECKPOINT  a checkpoint's folder or a .safetensors file
  DIR         the folder to write to, which is empty or not there

Needs: pip install ctranslate2 numpy safetensors sentencepiece
"""
import json
import os
import sys
from pathlib import Path

POSITIONS = ("sinusoidal", "learned")


def fail(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


try:
    import ctranslate2
    import numpy
    import sentencepiece
    from ctranslate2.specs import common_spec, transformer_spec
    from safetensors.numpy import load_file
except ImportError as error:
    fail(f"{error}; pip install ctranslate2 numpy safetensors sentencepiece, or name another Python "
         "in WAVEMT_PYTHON")


def activation_of(name):
    kinds = common_spec.Activation
    return {"relu": kinds.RELU, "gelu": kinds.GELU, "swish": kinds.SWISH, "swiglu": kinds.SWISH}[name]


def pieces_of(run, name, config):
    """The pieces in the order of their ids, and the special ones among them."""
    if config["tokenizer"].get("vocabulary"):
        ids = json.loads((run / "vocabulary.json").read_text("utf8"))
        pieces = sorted(ids, key=ids.get)
        return pieces, {"unk": "<unk>", "bos": "<pad>", "eos": "</s>"}
    model = sentencepiece.SentencePieceProcessor(model_file=str(run / name))
    pieces = [model.id_to_piece(i) for i in range(model.get_piece_size())]
    eos = model.eos_id()
    bos = model.bos_id() if model.bos_id() >= 0 else eos
    return pieces, {"unk": pieces[model.unk_id()], "bos": pieces[bos], "eos": pieces[eos]}


class Weights(dict):
    """Knows which of its entries were looked up."""

    def __init__(self, tensors):
        super().__init__(tensors)
        self.used = set()

    def __getitem__(self, name):
        self.used.add(name)
        return super().__getitem__(name)

    def require_nothing_left(self):
        for name in sorted(self.keys() - self.used):
            fail(f"CTranslate2 cannot hold the weights \"{name}\" of this model")


class Filler:
    """Puts weights by our names into the places of CTranslate2's specification."""

    def __init__(self, weights, is_gated):
        self.weights = weights
        self.is_gated = is_gated

    def linear(self, spec, name, rows=slice(None)):
        spec.weight = numpy.ascontiguousarray(self.weights[name + ".weight"][rows])
        spec.bias = numpy.ascontiguousarray(self.weights[name + ".bias"][rows])

    def norm(self, spec, name):
        spec.gamma = self.weights[name + ".weight"]
        spec.beta = self.weights[name + ".bias"]

    def layer(self, spec, name, has_cross_attention):
        self.linear(spec.self_attention.linear[0], name + ".self_attention.qkv_proj")
        self.linear(spec.self_attention.linear[1], name + ".self_attention.out_proj")
        self.norm(spec.self_attention.layer_norm, name + ".self_attention_norm")
        if has_cross_attention:
            for part, projection in enumerate(("q_proj", "kv_proj", "out_proj")):
                self.linear(spec.attention.linear[part], f"{name}.cross_attention.{projection}")
            self.norm(spec.attention.layer_norm, name + ".cross_attention_norm")
        if self.is_gated:
            half = self.weights[name + ".feed_forward.in_proj.bias"].shape[0] // 2
            self.linear(spec.ffn.linear_0, name + ".feed_forward.in_proj", slice(half))
            self.linear(spec.ffn.linear_0_noact, name + ".feed_forward.in_proj", slice(half, None))
        else:
            self.linear(spec.ffn.linear_0, name + ".feed_forward.in_proj")
        self.linear(spec.ffn.linear_1, name + ".feed_forward.out_proj")
        self.norm(spec.ffn.layer_norm, name + ".feed_forward_norm")


def specification_of(config, weights):
    model = config["model"]
    is_pre = model["layer_norm"] == "pre"
    is_gated = model["activation"] == "swiglu"
    spec = transformer_spec.TransformerSpec.from_config(
        (model["num_encoder_layers"], model["num_decoder_layers"]), model["num_heads"],
        pre_norm=is_pre, activation=activation_of(model["activation"]), ffn_glu=is_gated)
    filler = Filler(weights, is_gated)
    for side in ("encoder", "decoder"):
        stack = getattr(spec, side)
        for i, layer in enumerate(stack.layer):
            filler.layer(layer, f"{side}.layers.{i}", has_cross_attention=side == "decoder")
        if is_pre:
            filler.norm(stack.layer_norm, side + ".norm")
        stack.scale_embeddings = True
        # Explicit tables: CTranslate2's own have another order of columns.
        learned = f"position_encoding.{side}_weight"
        stack.position_encodings.encodings = weights[learned if learned in weights
                                                     else "position_encoding.pe"]
    names = [name for name in ("source_embedding.weight", "target_embedding.weight",
                               "output_projection") if name in weights]
    # What is tied has the first of these names.
    spec.encoder.embeddings[0].weight = weights[names[0]]
    spec.decoder.embeddings.weight = weights[names[min(1, len(names) - 1)]]
    spec.decoder.projection.weight = weights[names[-1]]
    if "output_bias" in weights:
        spec.decoder.projection.bias = weights["output_bias"]
    weights.require_nothing_left()
    return spec


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    run, checkpoint, folder = map(Path, sys.argv[1:])
    if folder.exists() and any(folder.iterdir()):
        fail(f"{folder}: already exists; name a folder that does not")
    weights_file = checkpoint / "model.safetensors" if checkpoint.is_dir() else checkpoint
    config = json.loads((run / "config.json").read_text("utf8"))
    positions = config["model"]["position_encoding"]["type"]
    if positions not in POSITIONS:
        fail(f"model.position_encoding.type: cannot hold {positions}, only {' and '.join(POSITIONS)}")
    spec = specification_of(config, Weights(load_file(weights_file)))
    shared = (run / "tokenizer.model").exists()
    source, source_special = pieces_of(run, "tokenizer.model" if shared else "source.model", config)
    target, special = pieces_of(run, "tokenizer.model" if shared else "target.model", config)
    spec.register_source_vocabulary(source)
    spec.register_target_vocabulary(target)
    spec.config.unk_token = special["unk"]
    spec.config.bos_token = special["bos"]
    spec.config.eos_token = special["eos"]
    spec.config.decoder_start_token = special["bos"]
    if source_special["eos"] != special["eos"]:
        fail(f"source and target end with {source_special['eos']} and {special['eos']}, which "
             "CTranslate2 cannot tell apart")
    spec.config.add_source_eos = True
    spec.validate()
    spec.optimize()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


if __name__ == "__main__":
    main()
