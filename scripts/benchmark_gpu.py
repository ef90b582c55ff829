#!/usr/bin/env python3
"""Compares training speed on a GPU with plain PyTorch (torch.nn.Transformer, fused AdamW, bf16 autocast): the same
transformer-base, vocabulary and batch size, the programs in turn on the same card, medians over several rounds.
Needs the Python packages torch (with CUDA) and sentencepiece, and a folder with a corpus train.en, train.de, plain or
.gz, such as data/multi30k from scripts/download_corpus.py multi30k.
  usage: benchmark_gpu.py CORPUS [--program build/release/wavemt] [--rounds 3] [--batch-tokens 2048 25000]"""
import argparse, gzip, json, math, random, statistics, subprocess, sys, tempfile, time
from pathlib import Path

import sentencepiece
import torch
from torch import nn

MODEL = {"d_model": 512, "num_heads": 8, "ffn_dim": 2048, "num_encoder_layers": 6, "num_decoder_layers": 6,
         "layer_norm": "post", "dropout": 0.1}
PAD = 1


class Transformer(nn.Module):
    def __init__(self, vocabulary, d=MODEL["d_model"]):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d, padding_idx=PAD)
        nn.init.normal_(self.embed.weight, std=d ** -0.5)
        angles = torch.arange(512).unsqueeze(1) * torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
        self.register_buffer("pe", torch.stack((angles.sin(), angles.cos()), 2).flatten(1))
        self.drop = nn.Dropout(MODEL["dropout"])
        self.core = nn.Transformer(d, MODEL["num_heads"], 6, 6, MODEL["ffn_dim"], MODEL["dropout"], batch_first=True)

    def forward(self, source, target):
        embed = lambda x: self.drop(self.embed(x) * self.pe.size(1) ** 0.5 + self.pe[: x.size(1)])
        causal = nn.Transformer.generate_square_subsequent_mask(target.size(1), device=target.device, dtype=torch.bool)
        hidden = self.core(embed(source), embed(target), tgt_mask=causal, tgt_is_causal=True,
                           src_key_padding_mask=source == PAD, memory_key_padding_mask=source == PAD,
                           tgt_key_padding_mask=target == PAD)
        return hidden @ self.embed.weight.T


def batches(pairs, batch_tokens):
    """Pairs of like length together, shuffled; what is fed is on the host, as a data loader would leave it."""
    pairs = sorted(pairs, key=lambda pair: (len(pair[1]), len(pair[0])))
    result, batch, tokens = [], [], 0
    for pair in pairs:
        batch.append(pair)
        tokens += len(pair[1]) + 1
        if tokens >= batch_tokens:
            result.append(batch)
            batch, tokens = [], 0
    random.Random(1).shuffle(result)
    pad = lambda rows: torch.tensor([row + [PAD] * (max(map(len, rows)) - len(row)) for row in rows]).pin_memory()
    return [(pad([s + [3] for s, _ in b]), pad([[2] + t + [3] for _, t in b]), sum(len(t) + 1 for _, t in b))
            for b in result]


def pytorch(pairs, vocabulary, batch_tokens, precision, steps):
    torch.manual_seed(1)
    model = Transformer(vocabulary).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9, weight_decay=0, fused=True)
    criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.1)
    data = batches(pairs, batch_tokens)
    tokens = 0
    for step in range(20 + steps):
        if step == 20:
            torch.cuda.synchronize()
            start, tokens = time.time(), 0
        source, target, count = data[step % len(data)]
        source, target = source.cuda(non_blocking=True), target.cuda(non_blocking=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            logits = model(source, target[:, :-1])
            loss = criterion(logits.flatten(0, 1), target[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        tokens += count
    torch.cuda.synchronize()
    return tokens / (time.time() - start)


def wavemt(program, folder, config, batch_tokens, precision, steps):
    run = Path(tempfile.mkdtemp(dir=folder)) / "run"
    settings = {"max_steps": 20 + steps, "batch_tokens": batch_tokens, "precision": precision, "log_every": 20}
    sets = [word for key, value in settings.items() for word in ("--set", f"training.{key}={value}")]
    done = subprocess.run([program, "train", config, "--run-dir", run, "--device", "cuda", *sets],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"wavemt left with {done.returncode}: {done.stderr[-1000:]}")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][1:]  # 20 to warm up
    seconds = sum(line["seconds_per_step"] for line in lines)
    return sum(line["tokens_per_second"] * line["seconds_per_step"] for line in lines) / seconds


def contents(path):
    return path.read_bytes() if path.exists() else gzip.decompress(path.with_name(path.name + ".gz").read_bytes())


def product_speed(precision):
    """Floating-point operations a second of large products, as this card does them."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=kind) for _ in range(2))
    best = math.inf
    for _ in range(5):
        torch.cuda.synchronize()
        start = time.time()
        a @ b
        torch.cuda.synchronize()
        best = min(best, time.time() - start)
    return 2 * 8192**3 / best


def operations_a_token(pairs, vocabulary):
    """Of the matrix products with weights, forward and backward, a target token."""
    source = sum(len(s) + 1 for s, _ in pairs) / sum(len(t) + 1 for _, t in pairs)
    d, f = MODEL["d_model"], MODEL["ffn_dim"]
    return 6 * (source * 6 * (4 * d * d + 2 * d * f) + 6 * (6 * d * d + 2 * d * f) + source * 6 * 2 * d * d
                + d * vocabulary)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--program", default="build/release/wavemt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-tokens", type=int, nargs="+", default=[2048, 25000])
    options = parser.parse_args()
    # cuDNN's attention plans anew for each shape of batch: PyTorch is many times faster without it here.
    torch.backends.cuda.enable_cudnn_sdp(False)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        files = [Path(folder) / f"train.{language}" for language in ("en", "de")]
        for file in files:
            file.write_bytes(contents(options.corpus / file.name))
        config.write_text(json.dumps({
            "data": {"train": {"source": str(files[0]), "target": str(files[1])}, "max_length": 100},
            "tokenizer": {"model": f"{folder}/joint.model"}, "model": MODEL,
            "training": {"learning_rate": 1e-4, "save_every": 1000000}}))
        sentencepiece.SentencePieceTrainer.train(
            input=",".join(map(str, files)), model_prefix=f"{folder}/joint", vocab_size=10000, character_coverage=1.0,
            unk_id=0, pad_id=PAD, bos_id=2, eos_id=3, minloglevel=2)
        tokenizer = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/joint.model")
        text = [path.read_text("utf8").split("\n")[:-1] for path in files]
        pairs = [pair for pair in zip(*(tokenizer.encode(side) for side in text)) if max(map(len, pair)) <= 100]
        rows = [(batch_tokens, precision) for batch_tokens in options.batch_tokens for precision in ("bf16", "fp32")]
        speeds = {}
        for number in range(options.rounds):
            for row in rows:
                ours = wavemt(options.program, folder, config, *row, options.steps)
                plain = pytorch(pairs, tokenizer.vocab_size(), *row, options.steps)
                speeds.setdefault(row, []).append((ours, plain))
                print(f"round {number + 1}: {row}: wavemt {ours:,.0f}, PyTorch {plain:,.0f} tokens/s", file=sys.stderr)
        print(f"{torch.cuda.get_device_name()}; PyTorch {torch.__version__}; {time.strftime('%Y-%m-%d')}; medians of "
              f"{options.rounds} rounds of {options.steps} steps\n")
        print("| target tokens a batch | precision | wavemt, target tokens/s | PyTorch | ratio | wavemt's share of the "
              "card's speed in large products |\n| --- | --- | --- | --- | --- | --- |")
        needed = operations_a_token(pairs, tokenizer.vocab_size())
        for batch_tokens, precision in rows:
            ours, plain = (statistics.median(column) for column in zip(*speeds[batch_tokens, precision]))
            speed = product_speed(precision)
            print(f"| {batch_tokens:,} | {precision} | {ours:,.0f} | {plain:,.0f} | {ours / plain:.2f}x | "
                  f"{100 * ours * needed / speed:.0f}% of {speed / 1e12:,.0f} TFLOP/s |")
