"""JSON that detects its own damage: it ends with a checksum of its bytes.

A line with a flipped byte may still be JSON, with another seed in it. Older versions wrote no checksum; their lines are
read as they are.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256

from lora_mixer.images import plain

_LETTERS = 16
_CHECK = re.compile(rb',"check":"([0-9a-f]{16})"\}$')


def sealed(value: object) -> bytes:
    """Return a dataclass as one line of JSON that ends with a checksum.

    >>> unsealed(sealed({"a": 1}))
    b'{"a":1}'
    """
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return text[:-1] + f',"check":"{_check(text)}"}}'.encode()


def unsealed(data: bytes) -> bytes:
    """Return the JSON without its checksum.

    Raises:
        ValueError: The checksum does not match.
    """
    data = data.rstrip()
    found = _CHECK.search(data)
    if found is None:
        return data
    text = data[: found.start()] + b"}"
    if _check(text) != found[1].decode():
        raise ValueError("its checksum does not match")
    return text


def _check(text: bytes) -> str:
    return sha256(text).hexdigest()[:_LETTERS]
