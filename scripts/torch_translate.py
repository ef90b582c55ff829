#!/usr/bin/env python3
"""Translates standard input line by line with the model beside this file, in plain PyTorch: a
reference to read and to change. usage: translate.py < source.txt > translations.txt

Not supported: beam search, batches, a cache of keys and values, splitting of lines into sentences,
normalize_whitespace. Needs: pip install torch safetensors sentencepiece
"""
import json, math, sys  # noqa: E401
from pathlib import Path

import sentencepiece, torch  # noqa: E401
from safetensors.torch import load_file
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
model = json.loads((HERE / "model.json").read_text())
weights = load_file(HERE / "model.safetensors")
source, target = (sentencepiece.SentencePieceProcessor(model_file=str(HERE / f"{side}.model"))
                  for side in ("source", "target"))
activate = {"relu": F.relu, "gelu": F.gelu, "swish": F.silu}[model["activation"]]


def linear(x, name):
    return F.linear(x, weights[name + ".weight"], weights[name + ".bias"])


def norm(x, name):
    return F.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"])


def attention(name, queries, keys, is_causal):
    if name.endswith("self_attention"):
        q, k, v = linear(queries, name + ".qkv_proj").chunk(3, -1)
    else:
        q, (k, v) = linear(queries, name + ".q_proj"), linear(keys, name + ".kv_proj").chunk(2, -1)
    q, k, v = (t.view(len(t), model["num_heads"], -1).transpose(0, 1) for t in (q, k, v))
    heads = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal)  # [heads, length, head_dim]
    return linear(heads.transpose(0, 1).flatten(1), name + ".out_proj")


def add(x, name, layer):
    """The residual connection around a layer, with its norm before or after."""
    if model["layer_norm"] == "pre":
        return x + layer(norm(x, name + "_norm"))
    return norm(x + layer(x), name + "_norm")


def run(stack, ids, memory=None):
    """The output of the encoder or, with the encoder's as memory, the decoder: [length, d_model]."""
    embedding = weights.get("target_embedding.weight") if memory is not None else None
    embedding = weights["source_embedding.weight"] if embedding is None else embedding
    x = embedding[ids] * math.sqrt(embedding.shape[1]) + weights["position_encoding.pe"][:len(ids)]
    for i in range(model[f"num_{stack}_layers"]):
        name = f"{stack}.layers.{i}."
        x = add(x, name + "self_attention",
                lambda y: attention(name + "self_attention", y, y, memory is not None))
        if memory is not None:
            x = add(x, name + "cross_attention",
                    lambda y: attention(name + "cross_attention", y, memory, False))
        x = add(x, name + "feed_forward", lambda y: linear(
            activate(linear(y, name + "feed_forward.in_proj")), name + "feed_forward.out_proj"))
    return norm(x, stack + ".norm") if model["layer_norm"] == "pre" else x


@torch.inference_mode()
def translate(line):
    ids, output = source.encode(line), [model["bos"]]
    if not ids:
        return ""
    ids = ids[:len(weights["position_encoding.pe"]) - 1] + [source.eos_id()]
    memory = run("encoder", ids)
    projection = next(weights[name] for name in ("output_projection", "target_embedding.weight",
                                                 "source_embedding.weight") if name in weights)
    limit = min(model["max_output_length"], len(weights["position_encoding.pe"]) - 1, 3 * len(ids) + 26)
    while len(output) <= limit:
        logits = F.linear(run("decoder", output, memory)[-1], projection, weights.get("output_bias"))
        logits[[token for token in model["never"] if token != model["eos"]]] = -math.inf
        output.append(int(logits.argmax()))
        if output[-1] == model["eos"]:
            return target.decode(output[1:-1])
    return target.decode(output[1:])


for line in sys.stdin:
    print(translate(line.rstrip("\n")), flush=True)
