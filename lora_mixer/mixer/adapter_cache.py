"""Open adapters, mapped onto the model, by the user's names for them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from lora_mixer.blend import WeightedAdapter
from lora_mixer.catalog import Library, LoraEntry
from lora_mixer.errors import BrokenAdapterError, MissingFileError
from lora_mixer.families import ModuleIndex
from lora_mixer.files import Leases, Seal, config_beside, digest_file, sealed
from lora_mixer.keys import ParsedAdapter
from lora_mixer.mapping import MappedAdapter, map_adapter, open_adapter
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import AdapterUse

KEPT = 32


class AdapterCache:
    """Opens adapters once, keeps the most recently used, and notices a file that changed on disk.

    Args:
        library: Where names are looked up.
        index: The model's modules.
        allow_partial: Accept adapters with tensors that fit nowhere.
        keep: How many adapters to keep open.
    """

    def __init__(self, library: Library, index: ModuleIndex, *, allow_partial: bool = False, keep: int = KEPT) -> None:
        self._library = library
        self._index = index
        self._allow_partial = allow_partial
        self._keep = keep
        self._open: OrderedDict[tuple[Seal, ...], MappedAdapter] = OrderedDict()

    def use(self, asked: LoraUse) -> AdapterUse:
        """Return the adapter with its strength and the facts its record needs.

        Raises:
            AdapterError, FileError: See `take`.
        """
        entry = self._library.find(asked.name)
        seals = [
            *_seals(entry.path),
            *([_sealed(asked.strength.mask)] if isinstance(asked.strength.mask, Path) else []),
        ]
        digests = digest_file(entry.path)
        return AdapterUse(
            name=asked.name,
            file=entry.path.name,
            sha256=digests.sha256,
            autov3=digests.autov3,
            alias=entry.alias,
            placed=WeightedAdapter(adapter=self.take(asked.name, rank=asked.strength.rank), strength=asked.strength),
            seals=tuple(seals),
        )

    def take(self, name: str, *, rank: int | None = None) -> MappedAdapter:
        """Return the named adapter, mapped onto the model.

        Args:
            name: The name.
            rank: Use only the first `rank` ranks; None means all.

        Raises:
            UnknownAdapterError: No such name; the nearest are in the text.
            AdapterError: The file does not fit the model, or contradicts itself.
            FileError: The file cannot be read.
        """
        whole = self._whole(self._library.find(name))
        return whole if rank is None else _shortened(whole, rank)

    def seals(self, name: str) -> tuple[Seal, ...]:
        """Return seals of the named adapter's files as they are now."""
        return _seals(self._library.find(name).path)

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words that the named adapter was trained on, its trigger phrase first."""
        return self._library.find(name).trained_words

    def forget(self, path: Path) -> None:
        """Forget the adapters read from a file."""
        for key in [key for key in self._open if any(seal.path == path for seal in key)]:
            del self._open[key]

    def _whole(self, entry: LoraEntry) -> MappedAdapter:
        key = _seals(entry.path)
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        with Leases(key) as files:
            parsed, read = open_adapter(entry.path)
            adapter = map_adapter(
                parsed,
                self._index,
                name=entry.name,
                digest=_digest(entry.path, parsed),
                allow_partial=self._allow_partial,
                read=read,
            )
            files.check()  # what was read is what was hashed
        self._open[key] = adapter
        while len(self._open) > self._keep:
            self._open.popitem(last=False)
        return adapter


def _seals(path: Path) -> tuple[Seal, ...]:
    """Return the seals of an adapter's file and of its settings file, if any."""
    config = config_beside(path)
    return (_sealed(path),) if config is None else (_sealed(path), _sealed(config))


def _sealed(path: Path) -> Seal:
    seal = sealed(path)
    if seal is None:
        raise MissingFileError("the file is gone", where=str(path), remedy="Put it back, or leave it out.")
    return seal


def _digest(path: Path, parsed: ParsedAdapter) -> str:
    """Return the digest of an adapter's file and, if it sets the scale, of its settings file."""
    beside = next((place.digest for place in parsed.settings if place.digest), "")
    digest = digest_file(path).sha256
    return f"{digest}:{beside}" if beside else digest


def _shortened(adapter: MappedAdapter, rank: int) -> MappedAdapter:
    """Return the adapter truncated to its first ranks, under a digest of its own."""
    try:
        layers = {name: layer.shortened(rank) for name, layer in adapter.layers.items()}
    except BrokenAdapterError as error:
        raise BrokenAdapterError(error.what, where=adapter.name, remedy="Leave out dyn=.") from error
    return replace(adapter, digest=f"{adapter.digest}:{rank}", layers=layers)
