"""A store as an object store is one: no renaming, no appending, no folders; objects are put whole, or not at all."""

from __future__ import annotations

import itertools


class MemoryStore:
    """Objects by key. What is appended is an object of its own; a move is a copy and a removal."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._numbers = itertools.count()

    def where(self, name: str = "") -> str:
        return f"memory://{name}"

    def has(self, name: str) -> bool:
        return name in self.objects or any(key.startswith((f"{name}/", f"{name}\0")) for key in self.objects)

    def read(self, name: str) -> bytes:
        parts = sorted(key for key in self.objects if key.startswith(f"{name}\0"))
        return self.objects.get(name, b"") + b"".join(self.objects[key] for key in parts)

    def write(self, name: str, data: bytes) -> None:
        self.remove(name)
        self.objects[name] = data

    def write_new(self, name: str, data: bytes) -> bool:
        return not self.has(name) and self.objects.setdefault(name, data) is data

    def append(self, name: str, data: bytes) -> None:
        self.objects[f"{name}\0{next(self._numbers):08d}"] = data

    def move(self, name: str, new: str) -> None:
        if not self.has(name):
            raise FileNotFoundError(name)
        self.write(new, self.read(name))
        self.remove(name)

    def remove(self, name: str) -> None:
        for key in [key for key in self.objects if key == name or key.startswith(f"{name}\0")]:
            del self.objects[key]

    def names(self, folder: str) -> tuple[str, ...]:
        inside = [key.removeprefix(f"{folder}/") for key in self.objects if key.startswith(f"{folder}/")]
        return tuple(sorted({key.split("\0")[0].split("/")[0] for key in inside}))

    def keep(self, folder: str) -> None:
        """Nothing to do: what was put is kept."""

    def forget_strays(self, name: str) -> None:
        """Nothing to do: a place of keys does not move."""
