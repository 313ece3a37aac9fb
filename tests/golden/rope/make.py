"""
Writes frequencies.json beside this file: what the published formulas of scaled rotary embeddings give in float64.

    python3 make.py

Written from the papers (position interpolation arXiv 2306.15595, YaRN arXiv 2309.00071), from Llama 3.1's description and from the fields
that config.json has for them. Each entry holds the fields of a config.json that matter, and for every pair of channels its radians a position,
and the factor on cosine and sine.
"""

import json
import math
import os

CASES = {
    "plain": dict(head_dim=8, rope_theta=10000.0, max_position_embeddings=64),
    "linear": dict(head_dim=16, rope_theta=10000.0, max_position_embeddings=4096, rope_scaling=dict(type="linear", factor=2.5)),
    "Llama 3.1": dict(head_dim=128, rope_theta=500000.0, max_position_embeddings=131072, rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)),
    "Llama 3.2": dict(head_dim=64, rope_theta=500000.0, max_position_embeddings=131072, rope_parameters=dict(
        rope_type="llama3", rope_theta=500000.0, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)),
    "Qwen2.5 with YaRN": dict(head_dim=128, rope_theta=1000000.0, max_position_embeddings=32768, rope_scaling=dict(
        type="yarn", factor=4.0, original_max_position_embeddings=32768)),
    "YaRN without a factor": dict(head_dim=64, rope_theta=10000.0, max_position_embeddings=16384, rope_scaling=dict(
        rope_type="yarn", original_max_position_embeddings=4096)),
    "YaRN with every field": dict(head_dim=32, rope_theta=150000.0, max_position_embeddings=65536, rope_scaling=dict(
        rope_type="yarn", factor=16.0, original_max_position_embeddings=4096, beta_fast=24.0, beta_slow=2.0, mscale=0.8, mscale_all_dim=1.2, truncate=False)),
    "YaRN with its own attention factor": dict(head_dim=64, rope_theta=10000.0, max_position_embeddings=8192, rope_scaling=dict(
        rope_type="yarn", factor=2.0, original_max_position_embeddings=4096, attention_factor=1.25, mscale=None)),
}


def plain(c):
    return [c["rope_theta"] ** (-2 * pair / c["head_dim"]) for pair in range(c["head_dim"] // 2)]


def llama3(f, s):
    """A wavelength below original / high is kept, one above original / low is stretched by the factor, between them the two are mixed."""
    wave = 2 * math.pi / f
    if wave < s["original_max_position_embeddings"] / s["high_freq_factor"]:
        return f
    if wave > s["original_max_position_embeddings"] / s["low_freq_factor"]:
        return f / s["factor"]
    smooth = (s["original_max_position_embeddings"] / wave - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
    return (1 - smooth) * f / s["factor"] + smooth * f


def magnitude(factor, m=1.0):
    return 1.0 if factor <= 1 else 0.1 * m * math.log(factor) + 1


def yarn(c, s):
    size, original = c["head_dim"], s["original_max_position_embeddings"]
    factor = s.get("factor") or c["max_position_embeddings"] / original

    def channel(turns):
        """The pair whose frequency makes so many turns in the original context."""
        return size * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(c["rope_theta"]))

    low, high = channel(s.get("beta_fast") or 32), channel(s.get("beta_slow") or 1)
    if s.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, size - 1)
    frequencies = []
    for pair, f in enumerate(plain(c)):
        ramp = min(1.0, max(0.0, (pair - low) / ((high - low) or 0.001)))
        frequencies.append(f / factor * ramp + f * (1 - ramp))
    if s.get("attention_factor") is not None:
        attention = s["attention_factor"]
    elif s.get("mscale") and s.get("mscale_all_dim"):
        attention = magnitude(factor, s["mscale"]) / magnitude(factor, s["mscale_all_dim"])
    else:
        attention = magnitude(factor)
    return frequencies, attention


def rotary(c):
    """Radians a position of every pair, and the factor on cosine and sine."""
    s = c.get("rope_scaling") or c.get("rope_parameters") or {}
    kind = s.get("rope_type") or s.get("type")
    if kind == "linear":
        return [f / s["factor"] for f in plain(c)], 1.0
    if kind == "llama3":
        return [llama3(f, s) for f in plain(c)], 1.0
    if kind == "yarn":
        return yarn(c, s)
    return plain(c), 1.0


def main():
    made = {}
    for name, c in CASES.items():
        frequencies, factor = rotary(c)
        made[name] = {"config": c, "frequencies": frequencies, "attention_factor": factor}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "frequencies.json"), "w", newline="\n") as file:
        file.write("{\n" + ",\n".join(f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in made.items()) + "\n}\n")


if __name__ == "__main__":
    main()
