"""Our model against Python's torch.nn.Transformer: the same weights and the same batch give the
same logits and loss (to 1e-5) and gradients (to 1e-4)."""
import json
import math
import os
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(os.environ.get("WAVEMT_PARITY_PROBE",
                            ROOT / "build/release/tests/peers/parity_probe"))
VOCABULARY = 37
LABEL_SMOOTHING = 0.1
IGNORED = -100


def swiglu(x):
    gate, up = x.chunk(2, dim=-1)
    return functional.silu(gate) * up


class Reference(nn.Module):
    """nn.Transformer with scaled embeddings, sine and cosine positions, an output projection."""

    def __init__(self, d_model, num_heads, ffn_dim, layers, layer_norm, activation, tied):
        super().__init__()
        pre = layer_norm == "pre"
        options = dict(d_model=d_model, nhead=num_heads, dim_feedforward=ffn_dim, dropout=0.0,
                       activation=swiglu if activation == "swiglu" else activation,
                       batch_first=True, norm_first=pre)
        # nn.Transformer would put a last norm behind post-norm stacks as well.
        encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**options), layers[0],
                                        nn.LayerNorm(d_model) if pre else None,
                                        enable_nested_tensor=False)
        decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**options), layers[1],
                                        nn.LayerNorm(d_model) if pre else None)
        if activation == "swiglu":
            for layer in [*encoder.layers, *decoder.layers]:
                layer.linear1 = nn.Linear(d_model, 2 * ffn_dim)
        self.transformer = nn.Transformer(d_model, num_heads, custom_encoder=encoder,
                                          custom_decoder=decoder, batch_first=True)
        self.source_embedding = nn.Embedding(VOCABULARY, d_model)
        self.target_embedding = (self.source_embedding if tied == "all"
                                 else nn.Embedding(VOCABULARY, d_model))
        self.output_projection = (self.target_embedding.weight if tied != "none"
                                  else nn.Parameter(torch.empty(VOCABULARY, d_model)))
        for name, parameter in self.named_parameters():
            # Biases and norms too: nothing may hide behind a zero or a one.
            is_norm_scale = parameter.dim() == 1 and name.endswith("weight")
            nn.init.normal_(parameter, 1.0 if is_norm_scale else 0.0, 0.3)

    def embed(self, embedding, ids):
        d_model = embedding.embedding_dim
        x = embedding(ids) * math.sqrt(d_model)
        position = torch.arange(ids.size(1), dtype=torch.float64)[:, None]
        column = torch.arange(d_model)
        angle = position * torch.exp((column // 2 * 2) * (-math.log(10000.0) / d_model))
        return x + torch.where(column % 2 == 0, torch.sin(angle), torch.cos(angle)).float()

    def forward(self, source, lengths, target_input, target_lengths):
        source_padding = torch.arange(source.size(1)) >= lengths[:, None]
        target_padding = torch.arange(target_input.size(1)) >= target_lengths[:, None]
        future = torch.ones(target_input.size(1), target_input.size(1)).triu(1).bool()
        hidden = self.transformer(
            self.embed(self.source_embedding, source),
            self.embed(self.target_embedding, target_input), tgt_mask=future,
            src_key_padding_mask=source_padding, tgt_key_padding_mask=target_padding,
            memory_key_padding_mask=source_padding)
        return functional.linear(hidden, self.output_projection)


def our_names(reference, of):
    """What `of` gives for each parameter of the reference, by our names of the weights."""
    named = {}

    def put(name, parameter):
        named[name] = of(parameter)

    def put_both(name, module):
        put(name + ".weight", module.weight)
        put(name + ".bias", module.bias)

    def put_attention(name, attention, parts):
        d_model = attention.embed_dim
        first = 0
        for part, blocks in parts:
            rows = slice(first * d_model, (first + blocks) * d_model)
            named[f"{name}.{part}.weight"] = of(attention.in_proj_weight)[rows]
            named[f"{name}.{part}.bias"] = of(attention.in_proj_bias)[rows]
            first += blocks
        put_both(name + ".out_proj", attention.out_proj)

    for side in ("encoder", "decoder"):
        stack = getattr(reference.transformer, side)
        for i, layer in enumerate(stack.layers):
            name = f"{side}.layers.{i}"
            put_attention(name + ".self_attention", layer.self_attn, [("qkv_proj", 3)])
            put_both(name + ".self_attention_norm", layer.norm1)
            if side == "decoder":
                put_attention(name + ".cross_attention", layer.multihead_attn,
                              [("q_proj", 1), ("kv_proj", 2)])
                put_both(name + ".cross_attention_norm", layer.norm2)
            put_both(name + ".feed_forward_norm", layer.norm3 if side == "decoder" else layer.norm2)
            put_both(name + ".feed_forward.in_proj", layer.linear1)
            put_both(name + ".feed_forward.out_proj", layer.linear2)
        if stack.norm is not None:
            put_both(side + ".norm", stack.norm)
    put("source_embedding.weight", reference.source_embedding.weight)
    if reference.target_embedding is not reference.source_embedding:
        put("target_embedding.weight", reference.target_embedding.weight)
    if reference.output_projection is not reference.target_embedding.weight:
        put("output_projection", reference.output_projection)
    return named


def make_batch(lengths, target_lengths):
    generator = torch.Generator().manual_seed(3)
    shape = len(lengths), max(lengths)
    target_shape = len(lengths), max(target_lengths)
    labels = torch.randint(4, VOCABULARY, target_shape, generator=generator)
    labels[torch.arange(target_shape[1]) >= torch.tensor(target_lengths)[:, None]] = IGNORED
    return {"source": torch.randint(4, VOCABULARY, shape, generator=generator),
            "lengths": torch.tensor(lengths),
            "target_input": torch.randint(4, VOCABULARY, target_shape, generator=generator),
            "labels": labels}


def probe(folder, model, weights, batch, **training):
    """What our program computes: logits, loss, gradients by name."""
    config = {"data": {"train": {"source": "unused.en", "target": "unused.zh"}, "max_length": 20},
              "tokenizer": {"shared": True}, "model": model,
              "training": {"label_smoothing": LABEL_SMOOTHING} | training}
    (folder / "config.json").write_text(json.dumps(config))
    save_file({name: tensor.contiguous() for name, tensor in weights.items()},
              folder / "weights.safetensors")
    save_file(batch, folder / "batch.safetensors")
    result = subprocess.run([str(PROBE), "config.json", "weights.safetensors",
                             "batch.safetensors", "output.safetensors"],
                            cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return load_file(folder / "output.safetensors")


def close(ours, theirs, tolerance):
    """Within the tolerance, absolute up to 1 and relative above."""
    return torch.allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def assert_same(ours, logits, loss, gradients, batch):
    """Our logits, loss and gradients are the reference's, whose gradients go by our names."""
    counts = batch["labels"] != IGNORED
    assert close(ours["logits"][counts], logits.detach()[counts], 1e-5)
    assert close(ours["loss"], loss.detach(), 1e-5)
    assert {"gradient." + name for name in gradients} == set(ours) - {"logits", "loss"}
    for name, gradient in gradients.items():
        difference = (ours["gradient." + name] - gradient).abs().max()
        assert difference <= 1e-4 * gradient.abs().max().clamp(max=1.0), name


@pytest.mark.parametrize("layer_norm, activation, tied", [
    ("pre", "relu", "all"), ("pre", "gelu", "decoder"), ("pre", "swiglu", "none"),
    ("post", "relu", "none"), ("post", "gelu", "all"), ("post", "swiglu", "decoder"),
])
@pytest.mark.parametrize("d_model, num_heads, lengths, target_lengths", [
    pytest.param(16, 4, [7, 7, 7], [5, 5, 5], id="even-without-padding"),
    pytest.param(15, 3, [9, 2, 6, 1], [4, 8, 1, 3], id="odd-with-padding"),
])
def test_logits_loss_and_gradients(tmp_path, d_model, num_heads, lengths, target_lengths,
                                   layer_norm, activation, tied):
    torch.manual_seed(1)
    layers = (3, 2)
    reference = Reference(d_model, num_heads, 24, layers, layer_norm, activation, tied)
    batch = make_batch(lengths, target_lengths)
    logits = reference(batch["source"], batch["lengths"], batch["target_input"],
                       torch.tensor(target_lengths))
    loss = functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(),
                                    ignore_index=IGNORED, reduction="sum",
                                    label_smoothing=LABEL_SMOOTHING)
    loss.backward()

    model = {"d_model": d_model, "num_heads": num_heads, "ffn_dim": 24,
             "num_encoder_layers": layers[0], "num_decoder_layers": layers[1],
             "layer_norm": layer_norm, "activation": activation, "dropout": 0.0,
             "tied_embeddings": tied, "position_encoding": {"max_length": 32}}
    ours = probe(tmp_path, model, our_names(reference, lambda p: p.detach()), batch)

    assert_same(ours, logits, loss, our_names(reference, lambda p: p.grad), batch)


def test_r_drop(tmp_path):
    """Half of the loss of R-Drop's paper (Liang et al. 2021), and its gradients. Two programs
    cannot drop the same numbers: here the passes differ because the second one reads other text."""
    torch.manual_seed(1)
    alpha, lengths, target_lengths = 5.0, [9, 2, 6, 1], [4, 8, 1, 3]
    reference = Reference(16, 4, 24, (2, 2), "pre", "relu", "all")
    batch = make_batch(lengths * 2, target_lengths * 2)
    batch["labels"] = batch["labels"][:4].repeat(2, 1)
    logits = reference(batch["source"], batch["lengths"], batch["target_input"],
                       torch.tensor(target_lengths * 2))
    counts = batch["labels"][:4] != IGNORED
    first, second = (functional.log_softmax(half[counts], dim=-1) for half in logits.chunk(2))
    negative_log_likelihood = functional.cross_entropy(
        logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED, reduction="sum",
        label_smoothing=LABEL_SMOOTHING)
    divergence = (functional.kl_div(first, second, reduction="sum", log_target=True)
                  + functional.kl_div(second, first, reduction="sum", log_target=True)) / 2
    loss = (negative_log_likelihood + alpha * divergence) / 2
    loss.backward()

    model = {"d_model": 16, "num_heads": 4, "ffn_dim": 24, "num_encoder_layers": 2,
             "num_decoder_layers": 2, "position_encoding": {"max_length": 32}}
    ours = probe(tmp_path, model, our_names(reference, lambda p: p.detach()), batch,
                 r_drop={"alpha": alpha})

    assert alpha * divergence > 0.01 * negative_log_likelihood
    assert_same(ours, logits, loss, our_names(reference, lambda p: p.grad), batch)
