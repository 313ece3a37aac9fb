"""
Writes the folders beside this file: tiny models as Hugging Face stores them, and what PyTorch makes of them in float64.

    apt-get install python3-torch && /usr/bin/python3 make.py

Written from the papers and from the field names of config.json; it imports nothing but torch, and no model code of anyone else's.
A folder holds config.json and model.safetensors (float32: the numbers start from what the file can hold), losses.json with the value of
every loss, and golden.safetensors in float32: input_ids, targets, loss_weight, teacher_logits, logits, for each loss
grad.LOSS.logits, and for four of them grad.LOSS.TENSOR. A loss is the mean over tokens weighted by loss_weight, in nats; a divergence at temperature t is
multiplied by t squared. jsd_bB is B * KL(p || m) + (1 - B) * KL(q || m) with m = B * p + (1 - B) * q, p the teacher and q the student.
The same torch gives the same bytes: the only randomness is a seeded generator on the CPU.

The folder lora holds beside these what PEFT would write of an adapter of the model llama-tied, adapter_config.json and adapter_model.safetensors;
its logits and losses are those of the model with W + alpha / r * B * A in the place of W, and its gradients those of A and B.
"""

import array
import json
import os
import struct
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rope"))
import make as rope

SEQUENCES, LENGTH = 2, 35  # past the end of one block of 32 tokens

MODELS = {
    "llama-tied": dict(model_type="llama", heads=3, key_value_heads=1, head_dim=4, vocabulary=31, tied=True, theta=10000.0, epsilon=1e-5),
    "llama-untied": dict(model_type="llama", heads=2, key_value_heads=2, head_dim=6, vocabulary=29, tied=False, theta=500000.0, epsilon=1e-5),
    "qwen2": dict(model_type="qwen2", heads=6, key_value_heads=3, head_dim=2, vocabulary=33, tied=True, theta=1000000.0, epsilon=1e-6),
    "qwen3": dict(model_type="qwen3", heads=2, key_value_heads=1, head_dim=10, vocabulary=30, tied=True, theta=1000000.0, epsilon=1e-6),
    "llama3": dict(model_type="llama", heads=2, key_value_heads=1, head_dim=8, vocabulary=31, tied=True, theta=100.0, epsilon=1e-5, scaling=dict(
        rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)),
    "yarn": dict(model_type="qwen2", heads=4, key_value_heads=2, head_dim=8, vocabulary=29, tied=True, theta=100.0, epsilon=1e-6, scaling=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=4.0)),
}
HIDDEN, LAYERS, FEED_FORWARD = 12, 2, 20

# Whether the gradient is followed down to the parameters; that of the logits is always kept.
LOSSES = {"cross_entropy": True, "forward_kl_t1": False, "forward_kl_t2": True, "reverse_kl_t2": True, "jsd_b0.5_t1": False, "jsd_b0.2_t2": True}


def shapes(m):
    """Name and shape of every tensor of a model."""
    query, key = m["heads"] * m["head_dim"], m["key_value_heads"] * m["head_dim"]
    yield "model.embed_tokens.weight", (m["vocabulary"], HIDDEN)
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (HIDDEN,)
        for name, width in (("q", query), ("k", key), ("v", key)):
            yield f"{at}self_attn.{name}_proj.weight", (width, HIDDEN)
            if m["model_type"] == "qwen2":
                yield f"{at}self_attn.{name}_proj.bias", (width,)
        yield at + "self_attn.o_proj.weight", (HIDDEN, query)
        if m["model_type"] == "qwen3":
            yield at + "self_attn.q_norm.weight", (m["head_dim"],)
            yield at + "self_attn.k_norm.weight", (m["head_dim"],)
        yield at + "post_attention_layernorm.weight", (HIDDEN,)
        yield at + "mlp.gate_proj.weight", (FEED_FORWARD, HIDDEN)
        yield at + "mlp.up_proj.weight", (FEED_FORWARD, HIDDEN)
        yield at + "mlp.down_proj.weight", (HIDDEN, FEED_FORWARD)
    yield "model.norm.weight", (HIDDEN,)
    if not m["tied"]:
        yield "lm_head.weight", (m["vocabulary"], HIDDEN)


ADAPTER = dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"])


def adapter_shapes(m):
    """Name and shape of every tensor of the adapter: A is [r, inputs], B is [outputs, r]."""
    for name, shape in shapes(m):
        module = name.removesuffix(".weight")
        if module.rsplit(".", 1)[1] in ADAPTER["target_modules"]:
            yield f"base_model.model.{module}.lora_A.weight", (ADAPTER["r"], shape[1])
            yield f"base_model.model.{module}.lora_B.weight", (shape[0], ADAPTER["r"])


def adapted(w, lora):
    """The weights with the adapter in them."""
    made = dict(w)
    for name, a in lora.items():
        if name.endswith("lora_A.weight"):
            module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
            b = lora[name.replace("lora_A", "lora_B")]
            made[module + ".weight"] = w[module + ".weight"] + ADAPTER["lora_alpha"] / ADAPTER["r"] * (b @ a)
    return made


def draw(shape, generator):
    """Normal numbers rounded to float32, held in float64."""
    return torch.randn(shape, generator=generator, dtype=torch.float64).float().double()


def weights(m, generator):
    """Large enough that every part of a layer shows in the logits; norms lie around 1."""
    made = {}
    for name, shape in shapes(m):
        if name.endswith("norm.weight"):
            value = 1 + 0.3 * draw(shape, generator)
        elif name.endswith("bias"):
            value = 0.4 * draw(shape, generator)
        else:
            value = draw(shape, generator) * 1.4 / shape[1] ** 0.5
        made[name] = value.float().double().requires_grad_()
    return made


def norm(x, gain, epsilon):
    """Root-mean-square norm, arXiv 1910.07467."""
    return x / (x.square().mean(-1, keepdim=True) + epsilon).sqrt() * gain


def rotate(x, m):
    """Rotary embedding, arXiv 2104.09864, channel i paired with channel i + half; x is [sequences, heads, tokens, channels]."""
    half = x.shape[-1] // 2
    frequency, factor = m["theta"] ** (-torch.arange(half, dtype=torch.float64) / half), 1.0
    if "scaling" in m:
        frequencies, factor = rope.rotary(config(m))
        frequency = torch.tensor(frequencies, dtype=torch.float64)
    angle = torch.arange(x.shape[-2], dtype=torch.float64)[:, None] * frequency
    a, b, cos, sin = x[..., :half], x[..., half:], factor * angle.cos(), factor * angle.sin()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def forward(m, w, ids):
    """Logits [sequences, tokens, vocabulary]."""
    sequences, tokens = ids.shape
    ahead = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
    x = w["model.embed_tokens.weight"][ids]
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        n = norm(x, w[at + "input_layernorm.weight"], m["epsilon"])

        def project(name, heads):
            y = n @ w[f"{at}self_attn.{name}_proj.weight"].T
            if m["model_type"] == "qwen2":
                y = y + w[f"{at}self_attn.{name}_proj.bias"]
            y = y.reshape(sequences, tokens, heads, m["head_dim"])
            if m["model_type"] == "qwen3" and name != "v":
                y = norm(y, w[f"{at}self_attn.{name}_norm.weight"], m["epsilon"])
            return y.transpose(1, 2)

        group = m["heads"] // m["key_value_heads"]
        q = rotate(project("q", m["heads"]), m)
        k = rotate(project("k", m["key_value_heads"]), m).repeat_interleave(group, 1)
        v = project("v", m["key_value_heads"]).repeat_interleave(group, 1)
        scores = (q @ k.transpose(-1, -2) / m["head_dim"] ** 0.5).masked_fill(ahead, float("-inf"))
        attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(sequences, tokens, -1)
        x = x + attended @ w[at + "self_attn.o_proj.weight"].T
        n = norm(x, w[at + "post_attention_layernorm.weight"], m["epsilon"])
        gate = n @ w[at + "mlp.gate_proj.weight"].T
        gated = gate * gate.sigmoid() * (n @ w[at + "mlp.up_proj.weight"].T)
        x = x + gated @ w[at + "mlp.down_proj.weight"].T
    x = norm(x, w["model.norm.weight"], m["epsilon"])
    return x @ w["model.embed_tokens.weight" if m["tied"] else "lm_head.weight"].T


def divergence(log_a, log_b):
    """KL(a || b) of every token."""
    return (log_a.exp() * (log_a - log_b)).sum(-1)


def loss(name, logits, teacher, targets, weight):
    if name == "cross_entropy":
        each = -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    else:
        t = float(name.rsplit("_t", 1)[1])
        log_q, log_p = (logits / t).log_softmax(-1), (teacher / t).log_softmax(-1)
        if name.startswith("forward_kl"):
            each = divergence(log_p, log_q)
        elif name.startswith("reverse_kl"):
            each = divergence(log_q, log_p)
        else:
            beta = float(name.split("_")[1][1:])
            log_m = (beta * log_p.exp() + (1 - beta) * log_q.exp()).log()
            each = beta * divergence(log_p, log_m) + (1 - beta) * divergence(log_q, log_m)
        each = each * t * t
    return (each * weight).sum() / weight.sum()


def save(path, tensors):
    """safetensors: a length, a JSON header, the values."""
    header, data = {}, b""
    for name, value in tensors.items():
        code, kind = ("q", "I64") if value.dtype == torch.int64 else ("f", "F32")
        raw = array.array(code, value.detach().flatten().tolist()).tobytes()
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write_json(path, value):
    with open(path, "w", newline="\n") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def config(m):
    return {
        "model_type": m["model_type"],
        "architectures": [{"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}[m["model_type"]] + "ForCausalLM"],
        "hidden_size": HIDDEN,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": m["heads"],
        "num_key_value_heads": m["key_value_heads"],
        "head_dim": m["head_dim"],
        "vocab_size": m["vocabulary"],
        "max_position_embeddings": 64,
        "rms_norm_eps": m["epsilon"],
        "rope_theta": m["theta"],
        **({"rope_scaling": m["scaling"]} if "scaling" in m else {}),
        "tie_word_embeddings": m["tied"],
        "hidden_act": "silu",
    }


def write(folder, m, generator, w, trained, run):
    """Inputs, logits, losses and gradients of one model; run gives the weights the model computes with."""
    ids = torch.randint(m["vocabulary"], (SEQUENCES, LENGTH + 1), generator=generator)
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    weight = torch.randint(3, (SEQUENCES, LENGTH), generator=generator).double() / 2  # a third of the tokens does not count
    weight[:, -1] = 1
    teacher = 2 * draw((SEQUENCES, LENGTH, m["vocabulary"]), generator).float().double()
    logits = forward(m, run(), inputs)
    tensors = {"input_ids": inputs, "targets": targets, "loss_weight": weight, "teacher_logits": teacher, "logits": logits}
    values = {}
    for key, deep in LOSSES.items():
        value = loss(key, logits, teacher, targets, weight)
        values[key] = value.item()
        of = {"logits": logits, **(trained if deep else {})}
        gradients = torch.autograd.grad(value, list(of.values()), retain_graph=True)
        tensors.update((f"grad.{key}.{tensor}", g) for tensor, g in zip(of, gradients))
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "config.json"), config(m))
    write_json(os.path.join(folder, "losses.json"), values)
    save(os.path.join(folder, "model.safetensors"), w)
    save(os.path.join(folder, "golden.safetensors"), tensors)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for seed, (name, m) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(20 + seed)
        w = weights(m, generator)
        write(os.path.join(here, name), m, generator, w, w, lambda: w)

    m, generator = MODELS["llama-tied"], torch.Generator().manual_seed(60)
    w = {name: value.bfloat16().double() for name, value in weights(m, generator).items()}  # the frozen weights are held as bfloat16
    lora = {name: (draw(shape, generator) * 0.3).float().double().requires_grad_() for name, shape in adapter_shapes(m)}
    folder = os.path.join(here, "lora")
    write(folder, m, generator, w, lora, lambda: adapted(w, lora))
    save(os.path.join(folder, "adapter_model.safetensors"), lora)
    write_json(os.path.join(folder, "adapter_config.json"), {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "lora", "bias": "none", "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True,
        "lora_dropout": 0.0, "modules_to_save": None, "use_dora": False, "use_rslora": False, **ADAPTER})


if __name__ == "__main__":
    main()
