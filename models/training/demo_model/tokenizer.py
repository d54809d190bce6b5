"""CLIP's tokenizer cut to its first merges: the same algorithm and files, a short table.

A word outside the table falls into known pieces, so no word is unknown.
"""

import gzip
import json

import numpy as np
from transformers import CLIPTokenizer

MERGES = 3000
START, END = "<|startoftext|>", "<|endoftext|>"


def byte_characters():
    """CLIP's printable character for each byte value, in the order of its vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(rest))]


def write(merge_list, out):
    """Writes the tokenizer's folder from CLIP's gzipped merge list."""
    out.mkdir(parents=True, exist_ok=True)
    lines = gzip.decompress(merge_list.read_bytes()).decode("utf-8").split("\n")
    merges = lines[1 : 1 + MERGES]
    characters = byte_characters()
    pieces = characters + [c + "</w>" for c in characters] + ["".join(m.split()) for m in merges]
    vocab = {piece: i for i, piece in enumerate([*pieces, START, END])}
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **special, "do_lower_case": True}
    texts = {
        "vocab.json": json.dumps(vocab, ensure_ascii=False),
        "merges.txt": "#version: 0.2\n" + "\n".join(merges) + "\n",
        "tokenizer_config.json": json.dumps(config, indent=1),
        "special_tokens_map.json": json.dumps(special),
    }
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")


def load(folder):
    """The tokenizer of a model folder."""
    return CLIPTokenizer.from_pretrained(str(folder))


def encode(tokenizer, texts):
    """Token ids, int64 [len(texts), 77]."""
    ids = tokenizer(list(texts), padding="max_length", truncation=True, max_length=77)["input_ids"]
    return np.asarray(ids, dtype=np.int64)
