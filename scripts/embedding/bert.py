"""The forward pass of the sentence model, in numpy alone."""

import json
import struct

import numpy as np

LAYERS, HEADS = 6, 12


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    kinds = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def erf(x):
    """Abramowitz and Stegun 7.1.26: off by less than 1.5e-7."""
    a = np.abs(x)
    t = 1 / (1 + 0.3275911 * a)
    p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return np.sign(x) * (1 - p * np.exp(-a * a))


class Bert:
    def __init__(self, path):
        self.tensors = {
            name: tensor if tensor.dtype == np.int64 else tensor.astype(np.float32)
            for name, tensor in read_safetensors(path).items()
        }

    def norm(self, x, name):
        d = x - x.mean(-1, keepdims=True)
        scale = self.tensors[name + ".LayerNorm.weight"]
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-12) * scale + self.tensors[name + ".LayerNorm.bias"]

    def linear(self, x, name):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def attention(self, x, prefix, bias):
        rows, length, width = x.shape
        q, k, v = (
            self.linear(x, prefix + "self." + part).reshape(rows, length, HEADS, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(np.float32(width // HEADS))
        if bias is not None:
            scores = scores + bias
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(x.shape)
        return self.norm(self.linear(mixed, prefix + "output.dense") + x, prefix + "output")

    def states(self, ids, mask=None):
        x = (
            self.tensors["embeddings.word_embeddings.weight"][ids]
            + self.tensors["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + self.tensors["embeddings.token_type_embeddings.weight"][0]
        )
        x = self.norm(x, "embeddings")
        bias = None if mask is None else np.where(mask, 0, -1e9).astype(np.float32)[:, None, None, :]
        for layer in range(LAYERS):
            prefix = f"encoder.layer.{layer}."
            x = self.attention(x, prefix + "attention.", bias)
            h = self.linear(x, prefix + "intermediate.dense")
            h *= 0.5 * (1 + erf(h * np.float32(0.7071067811865476)))
            x = self.norm(self.linear(h, prefix + "output.dense") + x, prefix + "output")
        return x

    def pooled(self, ids, mask=None):
        """The mean of the last layer, which is what the model calls the text's vector (before it is brought to length 1)."""
        x = self.states(ids, mask)
        return x.mean(1) if mask is None else (x * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
