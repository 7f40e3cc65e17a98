"""Makes src/embedding/table.bin and wordpiece.jsonl. README.md says from what and how long it takes.

usage: distil.py --model DIR --masc DIR --peps DIR [--cache DIR] [--out DIR]
"""

import os

# How a sum is split among threads changes its last bits.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import hashlib
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import fit
from bert import Bert
from pack import pack
from texts import units

HERE = Path(__file__).parent
DIMENSIONS = 192
VERSION = 1
CLS, SEP = 101, 102
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TABLE_SHA256 = "48ca23966b3fff8ea52a2dc4d39ad617822cb337f6ed2db3f5ccc98c96e8bb2a"


def tokenizer(model, words):
    """The model's own, with more whole words: software's vocabulary falls to crumbs in it (`in ##vo ##ice`)."""
    description = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    description["padding"] = description["truncation"] = None
    vocabulary = description["model"]["vocab"]
    for word in words:
        vocabulary[word] = len(vocabulary)
    return Tokenizer.from_str(json.dumps(description)), sorted(vocabulary, key=vocabulary.get)


def plain(tokenizer, texts):
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def alone(bert, tokens):
    """Each token as the only one of a text."""
    out = np.zeros((tokens, 384), np.float32)
    for start in range(0, tokens, 128):
        ids = np.arange(start, min(tokens, start + 128))
        out[ids] = bert.pooled(np.stack([np.full_like(ids, CLS), ids, np.full_like(ids, SEP)], 1))
    return out


def whole(bert, words):
    """Each word as the only one of a text. `words`: their tokens."""
    out = np.zeros((len(words), 384), np.float32)
    lengths = defaultdict(list)
    for number, ids in enumerate(words):
        lengths[len(ids)].append(number)
    for _, numbers in sorted(lengths.items()):
        for start in range(0, len(numbers), 64):
            part = numbers[start : start + 64]
            out[part] = bert.pooled(np.array([[CLS, *words[number], SEP] for number in part]))
    return out


def read(bert, texts):
    """Whole texts. `texts`: their tokens."""
    texts = [[CLS, *ids[: fit.LONGEST_TEXT], SEP] for ids in texts]
    out = np.zeros((len(texts), 384), np.float32)
    for chunk in range(0, len(texts), 1024):
        order = sorted(range(chunk, min(chunk + 1024, len(texts))), key=lambda number: len(texts[number]))
        for start in range(0, len(order), 16):
            part = order[start : start + 16]
            ids = np.zeros((len(part), max(len(texts[number]) for number in part)), np.int64)
            mask = np.zeros(ids.shape, bool)
            for row, number in enumerate(part):
                ids[row, : len(texts[number])] = texts[number]
                mask[row, : len(texts[number])] = True
            out[part] = bert.pooled(ids, mask)
    return out


def cached(directory, name, make):
    if directory is None:
        return make()
    path = directory / f"{name}.npy"
    if not path.exists():
        np.save(path, make())
    return np.load(path)


def respell(path, tokenizer):
    """Brings the tokens in the tests' vectors up to date; their texts stay."""
    texts = [json.loads(line)["text"] for line in path.read_text(encoding="ascii").splitlines()]
    lines = [
        json.dumps({"text": text, "tokens": tokenizer.encode(text, add_special_tokens=False).tokens}) for text in texts
    ]
    path.write_text("".join(line + "\n" for line in lines), encoding="ascii")


def main():
    arguments = argparse.ArgumentParser()
    for name in ("--model", "--masc", "--peps"):
        arguments.add_argument(name, type=Path, required=True)
    arguments.add_argument("--cache", type=Path)
    arguments.add_argument("--out", type=Path, default=HERE.parents[1] / "src" / "embedding")
    given = arguments.parse_args()

    weights = given.model / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert digest == MODEL_SHA256, f"another model: {digest}"
    words = (HERE / "words.txt").read_text().split()
    base, known = tokenizer(given.model, [])
    extended, vocabulary = tokenizer(given.model, words)
    texts = units(given.masc, given.peps)
    tokens = plain(base, texts)

    bert = Bert(weights)
    pieces = np.vstack([
        cached(given.cache, "pieces", lambda: alone(bert, len(known))),
        cached(given.cache, "words", lambda: whole(bert, plain(base, words))),
    ])
    target = cached(given.cache, "texts", lambda: read(bert, tokens))

    use = [number for number, ids in enumerate(tokens) if ids and len(ids) <= fit.LONGEST_TEXT]
    bags = plain(extended, [texts[number] for number in use])
    rows, counted = fit.fit(bags, target[use], pieces)
    rows = fit.rotate(fit.principal(rows, DIMENSIONS), counted)
    table = pack(vocabulary, rows, "all-MiniLM-L6-v2", VERSION)

    (given.out / "table.bin").write_bytes(table)
    respell(HERE.parents[1] / "src" / "embedding" / "wordpiece.jsonl", extended)
    digest = hashlib.sha256(table).hexdigest()
    print("the committed table" if digest == TABLE_SHA256 else f"not the committed table: {digest}")


if __name__ == "__main__":
    main()
