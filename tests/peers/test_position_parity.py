"""Our position encodings against those of Hugging Face's models, and against the formulas of papers
where these have none: the same weights and the same batch give the same logits and loss (to 1e-5)
and gradients (to 1e-4)."""
import math

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.cohere.configuration_cohere import CohereConfig
from transformers.models.cohere.modeling_cohere import CohereRotaryEmbedding, apply_rotary_pos_emb
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5Attention

from conftest import pointed, wavemt, write_config
from test_torch_parity import (IGNORED, LABEL_SMOOTHING, Reference, assert_same, close, make_batch,
                               our_names, probe)

LAYERS = {"encoder": 3, "decoder": 2}
MAX_LENGTH = 160


def offsets(length):
    """j - i for query i and key j: [length, length]."""
    return torch.arange(length)[None, :] - torch.arange(length)[:, None]


def bloom_slopes(num_heads):
    """BLOOM adds slope * j to the score of key j, so the slope is what key 1 gets."""
    return build_alibi_tensor(torch.ones(1, 2), num_heads, torch.float32)[:, 0, 1]


class Positions:
    """No positions at all; each encoding overrides what it does. `side`: "encoder" or "decoder"."""

    def __init__(self, d_model, num_heads, options):
        self.d_model, self.num_heads, self.head_dim = d_model, num_heads, d_model // num_heads
        self.weights = {}  # By our names.
        self.prepare(options)

    def prepare(self, options):
        pass

    def make_weight(self, name, *shape):
        self.weights[name] = nn.Parameter(0.3 * torch.randn(*shape))

    def add(self, x, side):
        """x: the scaled embeddings, [batch, length, d_model]."""
        return x

    def turn(self, query, key):
        """Both: [batch, num_heads, length, head_dim]."""
        return query, key

    def bias(self, query, side, layer):
        """What is added to the scaled scores, [batch, num_heads, length, length]."""
        return 0

    def more_context(self, probabilities, side, layer):
        """What is added to the weighted sums of the values."""
        return 0


class Sinusoidal(Positions):
    def prepare(self, options):
        # Marian has all sines first, then all cosines. We have them in turns.
        self.pe = torch.empty(MAX_LENGTH, self.d_model)
        marian = MarianSinusoidalPositionalEmbedding(*self.pe.shape).create_weight()
        self.pe[:, 0::2], self.pe[:, 1::2] = marian.split(
            [math.ceil(self.d_model / 2), self.d_model // 2], dim=1)

    def add(self, x, side):
        return x + self.pe[:x.size(1)]


class Learned(Positions):
    """Gehring et al. 2017, section 3.1."""

    def prepare(self, options):
        for side in LAYERS:
            self.make_weight(f"{side}_weight", MAX_LENGTH, self.d_model)

    def add(self, x, side):
        return x + self.weights[f"{side}_weight"][:x.size(1)]


class Article(Positions):
    """x(t) + P[:, t] sin(2 pi t / 10000) + P[:, t] cos(2 pi t / 10000)."""

    def prepare(self, options):
        self.make_weight("amplitude", self.d_model, MAX_LENGTH)

    def add(self, x, side):
        angle = 2 * math.pi * torch.arange(x.size(1)) / 10000
        amplitude = self.weights["amplitude"][:, :x.size(1)]
        return x + (amplitude * angle.sin() + amplitude * angle.cos()).T


class ArticleFixed(Positions):
    """The first half of the columns gets the sine of 2 pi t / 10000, the second half the cosine."""

    def add(self, x, side):
        angle = 2 * math.pi * torch.arange(x.size(1))[:, None] / 10000
        has_sine = torch.arange(self.d_model) < math.ceil(self.d_model / 2)
        return x + torch.where(has_sine, angle.sin(), angle.cos())


class Rotary(Positions):
    """Cohere's models turn adjacent columns, as Su et al. 2021 do."""

    def prepare(self, options):
        theta = float(options.get("rotary_base", 10000))
        self.rotary = CohereRotaryEmbedding(CohereConfig(
            hidden_size=self.d_model, num_attention_heads=self.num_heads,
            rope_parameters={"rope_type": "default", "rope_theta": theta}))

    def turn(self, query, key):
        cosines, sines = self.rotary(query, torch.arange(query.size(2))[None])
        return apply_rotary_pos_emb(query, key, cosines, sines)


class Alibi(Positions):
    """Press et al. 2022, with the slopes of BLOOM."""

    def prepare(self, options):
        if options.get("alibi_slopes") == "trained":
            for side in LAYERS:
                self.make_weight(f"{side}_slopes", self.num_heads)

    def bias(self, query, side, layer):
        slopes = self.weights.get(f"{side}_slopes", bloom_slopes(self.num_heads))
        # The decoder attends to no key behind the query, so |j - i| is i - j there.
        return -slopes[:, None, None] * offsets(query.size(2)).abs()


class Relative(Positions):
    """Shaw et al. 2018, equations 3 and 4."""

    def prepare(self, options):
        self.clip_distance = k = options.get("relative_clip_distance", 16)
        # The decoder attends to no key behind the query: rows 0 to k are all that it needs.
        for side, rows in (("encoder", 2 * k + 1), ("decoder", k + 1)):
            for kind in ("keys", "values"):
                self.make_weight(f"{side}_{kind}", LAYERS[side], rows, self.head_dim)

    def rows(self, kind, side, layer, length):
        """Row clip(j - i, -k, k) + k for query i and key j: [length, length, head_dim]."""
        k = self.clip_distance
        # What the decoder's masked keys get does not matter.
        rows = (offsets(length).clamp(-k, k) + k).clamp(max=2 * k if side == "encoder" else k)
        return self.weights[f"{side}_{kind}"][layer][rows]

    def bias(self, query, side, layer):
        keys = self.rows("keys", side, layer, query.size(2))
        return torch.einsum("bhid,ijd->bhij", query, keys) / math.sqrt(self.head_dim)

    def more_context(self, probabilities, side, layer):
        values = self.rows("values", side, layer, probabilities.size(2))
        return torch.einsum("bhij,ijd->bhid", probabilities, values)


class T5(Positions):
    """Raffel et al. 2020: T5's own biases, though T5 does not scale its scores and we do."""

    def prepare(self, options):
        self.attention = {side: T5Attention(
            T5Config(d_model=self.d_model, num_heads=self.num_heads, is_decoder=side == "decoder",
                     relative_attention_num_buckets=options.get("t5_num_buckets", 32),
                     relative_attention_max_distance=options.get("t5_max_distance", 128)),
            has_relative_attention_bias=True, layer_idx=0) for side in LAYERS}
        for side, attention in self.attention.items():
            self.weights[f"{side}_bias"] = attention.relative_attention_bias.weight

    def bias(self, query, side, layer):
        return self.attention[side].compute_bias(query.size(2), query.size(2))


ENCODINGS = {"none": Positions, "sinusoidal": Sinusoidal, "learned": Learned, "article": Article,
             "article_fixed": ArticleFixed, "rotary": Rotary, "alibi": Alibi, "relative": Relative,
             "t5": T5}


class PositionReference(Reference):
    """The weights of nn.Transformer, with attention written out."""

    def __init__(self, d_model, num_heads, options):
        super().__init__(d_model, num_heads, 24, [*LAYERS.values()], "pre", "relu", "all")
        self.no_positions = Positions(d_model, num_heads, {})
        self.positions = ENCODINGS[options["type"]](d_model, num_heads, options)

    def attend(self, attention, x, memory, may_attend, positions, side, layer):
        query, key, value = (
            functional.linear(y, weight, bias).unflatten(-1, (positions.num_heads, -1))
            .transpose(1, 2)  # [batch, num_heads, length, head_dim]
            for y, weight, bias in zip((x, memory, memory), attention.in_proj_weight.chunk(3),
                                       attention.in_proj_bias.chunk(3)))
        query, key = positions.turn(query, key)
        scores = (query @ key.transpose(2, 3) / math.sqrt(positions.head_dim)
                  + positions.bias(query, side, layer))
        probabilities = scores.masked_fill(~may_attend, -math.inf).softmax(dim=-1)
        context = probabilities @ value + positions.more_context(probabilities, side, layer)
        return attention.out_proj(context.transpose(1, 2).flatten(2))

    def run_stack(self, side, ids, may_attend, memory=None, may_attend_memory=None):
        x = self.source_embedding(ids) * math.sqrt(self.source_embedding.embedding_dim)
        x = self.positions.add(x, side)
        stack = getattr(self.transformer, side)
        for i, layer in enumerate(stack.layers):
            y = layer.norm1(x)
            x = x + self.attend(layer.self_attn, y, y, may_attend, self.positions, side, i)
            if side == "decoder":
                x = x + self.attend(layer.multihead_attn, layer.norm2(x), memory,
                                    may_attend_memory, self.no_positions, side, i)
            last_norm = layer.norm3 if side == "decoder" else layer.norm2
            x = x + layer.linear2(functional.relu(layer.linear1(last_norm(x))))
        return stack.norm(x)

    def forward(self, source, lengths, target_input):
        # Padding stands on the right, so no token of a target can see it.
        not_padding = torch.arange(source.size(1)) < lengths[:, None, None, None]
        past = offsets(target_input.size(1)) <= 0
        memory = self.run_stack("encoder", source, not_padding)
        hidden = self.run_stack("decoder", target_input, past, memory, not_padding)
        return functional.linear(hidden, self.output_projection)


def all_names(reference, of):
    """What `of` gives for each weight, those of the positions too, by our names."""
    return our_names(reference, of) | {f"position_encoding.{name}": of(weight) for name, weight
                                       in reference.positions.weights.items()}


BATCHES = {"without_padding": ([27, 27], [24, 24]),
           "with_padding": ([30, 2, 17, 1], [4, 26, 1, 12]),
           "long": ([140], [150])}


def case(batch, d_model, num_heads, options):
    name = "-".join(map(str, [*options.values(), f"{d_model}x{num_heads}", batch]))
    return pytest.param(*BATCHES[batch], d_model, num_heads, options, id=name)


@pytest.mark.parametrize("lengths, target_lengths, d_model, num_heads, options", [
    case(batch, *model) for batch in ("without_padding", "with_padding") for model in [
        (16, 4, {"type": "none"}),
        (16, 4, {"type": "sinusoidal"}),
        (15, 3, {"type": "sinusoidal"}),
        (16, 4, {"type": "learned"}),
        (15, 3, {"type": "article"}),
        (15, 3, {"type": "article_fixed"}),
        (16, 4, {"type": "rotary"}),
        (18, 3, {"type": "rotary", "rotary_base": 300}),
        (16, 4, {"type": "alibi"}),
        (15, 3, {"type": "alibi", "alibi_slopes": "fixed"}),
        (18, 6, {"type": "alibi"}),
        (18, 6, {"type": "alibi", "alibi_slopes": "trained"}),
        (16, 4, {"type": "relative"}),
        (15, 3, {"type": "relative", "relative_clip_distance": 2}),
        (16, 4, {"type": "t5"}),
        (15, 3, {"type": "t5", "t5_num_buckets": 8, "t5_max_distance": 10}),
    ]
] + [case("long", 16, 4, {"type": "t5"})])  # Its last buckets begin at distances 91 and 113.
def test_logits_loss_and_gradients(tmp_path, lengths, target_lengths, d_model, num_heads, options):
    torch.manual_seed(1)
    reference = PositionReference(d_model, num_heads, options)
    batch = make_batch(lengths, target_lengths)
    logits = reference(batch["source"], batch["lengths"], batch["target_input"])
    loss = functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(),
                                    ignore_index=IGNORED, reduction="sum",
                                    label_smoothing=LABEL_SMOOTHING)
    loss.backward()

    model = {"d_model": d_model, "num_heads": num_heads, "ffn_dim": 24,
             "num_encoder_layers": LAYERS["encoder"], "num_decoder_layers": LAYERS["decoder"],
             "layer_norm": "pre", "activation": "relu", "dropout": 0.0, "tied_embeddings": "all",
             "position_encoding": options | {"max_length": MAX_LENGTH}}
    ours = probe(tmp_path, model, all_names(reference, lambda p: p.detach()), batch)

    assert_same(ours, logits, loss, all_names(reference, lambda p: p.grad), batch)


def test_trained_slopes_start_as_those_of_bloom(tmp_path, corpus):
    config = write_config(
        tmp_path / "config.json", corpus,
        model={"d_model": 30, "num_heads": 6,
               "position_encoding": {"type": "alibi", "alibi_slopes": "trained"}},
        training={"max_steps": 1, "learning_rate": 1e-30})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    weights = load_file(pointed(tmp_path / "run", "latest") / "model.safetensors")
    for side in LAYERS:
        assert close(weights[f"position_encoding.{side}_slopes"], bloom_slopes(6), 1e-6)
