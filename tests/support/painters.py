"""A crew that needs no model: its pictures follow from their settings, their files, and who shared their batch."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path

from PIL import Image

from lora_mixer.errors import FileError
from lora_mixer.images import AdapterRecord, RenderRecord, plain, save_picture
from lora_mixer.ledger.digest import basis_of, digest_of
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import LedgerEntry, digest_of_file
from lora_mixer.ledger.plan_file import StoredJob
from lora_mixer.ledger.writer import part_of
from lora_mixer.mixes import Strength
from lora_mixer.request import RenderRequest, Settings
from lora_mixer.workers.executor import Finished, Heartbeat, Resolution, ResolveQuery, RunJob, Task
from tests.support.records import made_up_record, made_up_settings

SIDE = 8
RECORD = made_up_record(made_up_settings(), threads=1)


class Painters:
    """The crew.

    Args:
        files: Digest of every LoRA there is, by name.
        versions: What the pictures are made with.
        on_paint: Called before each task is painted.
    """

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        on_paint: Callable[[Task], None] = lambda task: None,
    ) -> None:
        self.files = {"ink": "11" * 32, "sepia": "22" * 32} if files is None else dict(files)
        self.versions = versions or {"torch": "2"}
        self.on_paint = on_paint
        self.started = 0
        self.asked = 0
        self.painted: list[int] = []
        self._given: deque[Task] = deque()

    def __enter__(self) -> Painters:
        self._given.clear()
        return self

    def __exit__(self, *raised: object) -> None: ...

    @property
    def free_slots(self) -> int:
        return 2 - len(self._given)

    def start(self, heartbeat: Heartbeat) -> None:
        heartbeat(0.0)
        self.started += 1

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        from lora_mixer.ledger.plan_file import Batch

        heartbeat(0.0)
        self.asked += len(query.jobs)
        batches = tuple(Batch(jobs=group, engine="side", reason="r") for group in query.groups)
        basis: dict[str, str] = {}
        known = () if batches else tuple(self._known(job, basis) for job in query.jobs)
        return Resolution(jobs=known, basis=basis, batches=batches, threads=1)

    def share(self, threads: int) -> int:
        return threads

    def submit(self, task: Task) -> None:
        self._given.append(task)

    def next_result(self, heartbeat: Heartbeat) -> Finished:
        heartbeat(0.0)
        task = self._given.popleft()
        self.on_paint(task)
        try:
            return Finished(entries=tuple(self._painted(task, job) for job in task.wanted))
        except FileError as error:
            return Finished(stopped=Failure.of(error))

    def _known(self, job: RunJob, basis: dict[str, str]) -> StoredJob | Failure:
        missing = [use.name for use in job.request.loras if use.name not in self.files]
        if missing:
            what = f"no LoRA {missing[0]!r}"
            return Failure(index=job.index, error="UnknownAdapterError", what=what, remedy="Mend it.")
        record = self._record(job.request)
        basis |= basis_of(record.inputs)
        assert job.stored is not None
        return replace(job.stored, settings=record.settings, digest=digest_of(record))

    def _record(self, request: RenderRequest) -> RenderRecord:
        asked = {f.name: value for f in fields(Settings) if (value := getattr(request, f.name)) is not None}
        asked["seed"] = secrets.randbelow(1 << 32) if request.seed is None or request.seed < 0 else request.seed
        settings = replace(RECORD.settings, **asked)
        adapters = tuple(
            AdapterRecord(
                name=use.name,
                file=use.name,
                sha256=self.files[use.name],
                autov3="",
                strength=Strength(use.strength.denoiser),
                kind="lora",
                modules=1,
            )
            for use in request.loras
        )
        return replace(RECORD, settings=settings, adapters=adapters, versions=self.versions)

    def _painted(self, task: Task, job: RunJob) -> LedgerEntry:
        assert job.file is not None
        assert job.stored is not None
        record = self._record(job.request)
        others = [plain(self._record(other.request).settings) for other in task.jobs]
        seen = repr((plain(record.settings), record.adapters, others, task.threads)).encode()
        image = Image.frombytes("RGB", (SIDE, SIDE), (sha256(seen).digest() * 6)[: SIDE * SIDE * 3])
        path = save_picture(image, record, part_of(task.folder / job.file, task.token))
        self.painted.append(job.index)
        return LedgerEntry(
            index=job.index,
            file=Path(job.file),
            name=job.stored.name,
            digest=job.stored.digest or "",
            sha256=digest_of_file(path) or "",
            seconds=1.0,
            record=record,
        )
