"""Taking in a file that somebody sends, piece by piece: looked at before it gets its name, and never in another's place."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from lora_mixer.errors import BrokenFileError, FileError, RequestError
from lora_mixer.files.modes import share_by_umask

MOST_BYTES = 8 * 2**30
ROOM = 256 * 2**20
"""Bytes that stay free on the disk."""
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|]{1,180}\.safetensors")


async def take_file(
    folder: Path, name: str, length: int, pieces: AsyncIterator[bytes], *, check: Callable[[Path], None]
) -> Path:
    """Write a file into a folder and return its path; nothing is there before all of it has come and been checked.

    Args:
        folder: Where it goes.
        name: What it is called there.
        length: How many bytes there are.
        pieces: The bytes, in their order.
        check: Looks at the whole file, and raises what is wrong with it.

    Raises:
        RequestError: It cannot be called so, or is too large.
        FileError: There is one of that name, no room for it, or it is not whole.
        LoraMixerError: What `check` raises.
    """
    target = _target(folder, name, length)
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(dir=folder, prefix=".incoming-", suffix=".part", delete=False) as out:
            temporary = Path(out.name)
            come = 0
            async for piece in pieces:
                come += len(piece)
                if come > length:
                    break
                out.write(piece)
        if come != length:
            raise BrokenFileError("the file did not come whole", where=name, remedy="Drop it again.")
        await asyncio.to_thread(_finish, temporary, target, check)
    except OSError as error:
        raise FileError(
            f"the file cannot be kept: {error.strerror or error}", where=name, remedy="Check the folder and the disk."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return target


def _finish(temporary: Path, target: Path, check: Callable[[Path], None]) -> None:
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    check(temporary)
    share_by_umask(temporary)
    _name_it(temporary, target)


def _target(folder: Path, name: str, length: int) -> Path:
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise RequestError(
            "a LoRA cannot be taken in under that name", where=repr(name[:80]), remedy="Send a .safetensors file."
        )
    if not 0 < length <= MOST_BYTES:
        raise RequestError(
            f"the file has {length:,} bytes", where=name, remedy=f"A LoRA has at most {MOST_BYTES // 2**30} GiB."
        )
    if os.path.lexists(folder / name):
        raise _taken(name)
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < length + ROOM:
        raise FileError("there is no room for the file", where=name, remedy="Make room on the disk, or choose another.")
    return folder / name


def _name_it(temporary: Path, target: Path) -> None:
    """Give a file its name, unless there is one of that name by now."""
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        raise _taken(target.name) from error
    except OSError:  # a disk without hard links: the name is taken first, then filled
        try:
            with target.open("xb"):
                pass
        except FileExistsError as error:
            raise _taken(target.name) from error
        temporary.replace(target)


def _taken(name: str) -> FileError:
    return FileError("there is a file of that name already, and it stays as it is", where=name, remedy="Rename yours.")
