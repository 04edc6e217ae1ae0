"""Whoever renders, the pixels are the same; whoever dies, the run goes on."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from lora_mixer import Mixer
from lora_mixer.errors import CancelledError, ConfigError, ModelError, RenderError
from lora_mixer.ledger.ledger import read_entries
from lora_mixer.request import RenderRequest
from lora_mixer.runs.run import RunProgress, run
from lora_mixer.workers.dispatch import MOST_DEATHS, dispatch
from lora_mixer.workers.executor import (
    Finished,
    Heartbeat,
    MixerOptions,
    Resolution,
    ResolveQuery,
    RunJob,
    Task,
    WorkerDied,
    pack,
    unpack,
)
from lora_mixer.workers.inline import InlineExecutor
from lora_mixer.workers.processes import ProcessExecutor, serve
from lora_mixer.workers.ray import RayExecutor
from tests.support.runs import SMALL, TWO, again, pixels, plan_of

SETUP = MixerOptions(model="emoji", dtype="float32")
MANY = "\n".join(
    f"{word} {SMALL} {seed}" + (f" --loras {lora}=0.5" if lora else "")
    for seed, word in enumerate(("cat", "sun", "dog", "cow"))
    for lora in ("", "line_art", "night_sky", "top_hat", "sepia", "line_art=0.5;sepia")
)
WORKER = "multiprocessing.spawn import spawn_main"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, mixer: Mixer) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "out"
    assert again(folder, InlineExecutor(lambda: mixer), text=MANY).rendered == 24
    return folder


def workers_of(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if WORKER in command_of(child)]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just died
        return ""


def processor_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def wait_until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 280
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_workers_and_a_killed_run_leave_every_entered_picture_and_the_rest_is_made_once(
    tmp_path: Path, undisturbed: Path, mixer: Mixer
) -> None:
    (tmp_path / "prompts.txt").write_text(MANY)
    output, draw = tmp_path / "out", random.Random(7)
    command = [sys.executable, "-W", "ignore", "-m", "lora_mixer_app", "render", tmp_path / "prompts.txt"]
    options = ["--output", output, "--dtype", "float32", "--batch", "2", "--threads", "1", "--workers", "2"]
    said = tmp_path / "said.txt"
    with said.open("w") as out, subprocess.Popen([*command, *options], stdout=out) as process:
        wait_until(lambda: len(read_entries(output)) >= draw.randint(1, 3))
        max(workers_of(process.pid), key=processor_time).kill()  # it renders; the other may still open its model
        wait_until(lambda: "a worker died (SIGKILL" in said.read_text())
        before = len(read_entries(output))
        wait_until(lambda: len(read_entries(output)) >= before + draw.randint(2, 4))
        orphans = workers_of(process.pid)
        os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs(orphans, timeout=20)
    assert not any(orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE for orphan in orphans)
    entered = {line.index: line.sha256 for line in read_entries(output)}
    assert 0 < len(entered) < 24
    result = run(plan_of(MANY), output, InlineExecutor(lambda: mixer), options=TWO)
    assert (result.found, result.rendered) == (len(entered), 24 - len(entered))
    assert sorted(line.index for line in read_entries(output)) == list(range(24))
    assert entered.items() <= {line.index: line.sha256 for line in read_entries(output)}.items()
    assert pixels(output) == pixels(undisturbed)


@pytest.fixture
def ray_of_two() -> Iterator[None]:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=80_000_000,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


@pytest.mark.usefixtures("ray_of_two")
def test_ray_makes_the_same_pixels_though_an_actor_is_killed(tmp_path: Path, undisturbed: Path) -> None:
    executor, said, killed = RayExecutor(SETUP, 2), [], []

    def kill(standing: RunProgress) -> None:
        if standing.done >= 4 and not killed:  # one that renders: one that still opens the model has nothing to lose
            killed.extend(
                [p for p in psutil.Process().children(recursive=True) if "ray::Actor.render" in command_of(p)][:1]
            )
            for actor in killed:
                actor.kill()

    result = run(plan_of(MANY), tmp_path, executor, options=TWO, on_progress=kill, say=said.append)
    assert (result.rendered, result.failures) == (24, ())
    assert "a worker died" in said[0]
    assert pixels(tmp_path) == pixels(undisturbed)


def test_a_model_that_cannot_be_opened_is_told_by_the_workers_with_its_class(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="emojy"):
        again(tmp_path, ProcessExecutor(MixerOptions(model="emojy"), 1))
    assert not (tmp_path / "plan.json").exists()


class Small:
    """A worker without torch: it answers, renders nothing, and can be told to die."""

    def __init__(self, setup: bytes, rank: int) -> None:
        name = unpack(MixerOptions, setup).model or ""
        if name == "dies opening" or (name == "one dies opening" and rank == 1):
            os._exit(3)
        if name == "no" and rank == 0:
            raise ModelError("no such model", remedy="Name another.")
        self.deadly = name == "dies asked"

    def answer(self, query: bytes) -> bytes:
        if self.deadly:
            os._exit(4)
        asked = unpack(ResolveQuery, query)
        known = tuple(_failure(job.index) for job in asked.jobs)
        return pack(Resolution(jobs=known, threads=1))

    def render(self, task: bytes) -> bytes:
        time.sleep(0.3)
        return pack(Finished(failures=tuple(_failure(job.index) for job in unpack(Task, task).jobs)))


def serve_small(pipe: object, setup: bytes, rank: int) -> None:
    import lora_mixer.workers

    lora_mixer.workers.worker = sys.modules["lora_mixer.workers.worker"] = SimpleNamespace(Worker=Small)
    serve(pipe, setup, rank)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lora_mixer.workers.processes.serve", serve_small)
    monkeypatch.setattr("multiprocessing.get_context", lambda _method: multiprocessing.context.ForkContext())


@pytest.mark.usefixtures("small")
def test_a_model_that_cannot_be_opened_is_told_however_many_jobs_there_are(tmp_path: Path) -> None:
    text = "\n".join(f"picture {n}" for n in range(3000))
    with pytest.raises(ModelError, match="no such model"):
        again(tmp_path, ProcessExecutor(MixerOptions(model="no"), 1), text=text)


@pytest.mark.usefixtures("small")
def test_a_worker_that_always_dies_while_opening_costs_the_healthy_one_nothing() -> None:
    said: list[str] = []
    with ProcessExecutor(MixerOptions(model="one dies opening"), 2) as executor:
        executor.start(lambda hand: None)
        tasks = [_task(n) for n in range(12)]
        outcomes = [
            f for done in dispatch(tasks, executor, heartbeat=lambda hand: None, say=said.append) for f in done.failures
        ]
    assert (sorted(f.index for f in outcomes), {f.what for f in outcomes}, said) == (list(range(12)), {"made"}, [])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dies opening", "all workers died 3 times while they opened"),
        ("dies asked", "3 workers died while they looked"),
    ],
)
def test_workers_that_only_die_end_the_run_with_the_reason(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=words):
        again(tmp_path, ProcessExecutor(MixerOptions(model=name), 2))


class Ref:
    def __init__(self, name: str, message: bytes, dead: bool) -> None:
        self.name, self.message, self.dead = name, message, dead


class Refs:
    """What of Ray the crew uses, with actors that die when they are told to.

    Args:
        deaths: Places, in the order of calls, at which an actor dies.
    """

    class exceptions:
        class RayError(Exception): ...

        class RayActorError(RayError): ...

    def __init__(self, deaths: Callable[[str, int], bool]) -> None:
        self.deaths, self.calls, self.killed = deaths, Counter(), 0

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {}

    def remote(self, **options: object) -> Callable[[type], object]:
        return lambda kind: SimpleNamespace(remote=lambda setup, rank: self._actor())

    def _actor(self) -> object:
        return SimpleNamespace(
            **{name: SimpleNamespace(remote=partial(self._ref, name)) for name in ("open", "answer", "render")}
        )

    def _ref(self, name: str, message: bytes = b"") -> object:
        self.calls[name] += 1
        return Ref(name, message, self.deaths(name, self.calls[name]))

    def wait(self, refs: list[object], **options: object) -> tuple[list[object], list[object]]:
        return refs[:1], refs[1:]

    def get(self, ref: Ref) -> bytes | None:
        if ref.dead:
            raise self.exceptions.RayActorError(f"killed at {ref.name}")
        if ref.name == "open":
            return None
        return (Small.answer if ref.name == "answer" else Small.render)(SimpleNamespace(deadly=False), ref.message)

    def kill(self, handle: object) -> None:
        self.killed += 1


def rays(monkeypatch: pytest.MonkeyPatch, deaths: Callable[[str, int], bool]) -> RayExecutor:
    monkeypatch.setitem(sys.modules, "ray", Refs(deaths))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return RayExecutor(SETUP, 2)


def test_an_actor_that_dies_over_the_plan_is_not_replaced_for_ever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(RenderError, match="3 workers died while they looked at the plan, the last: killed at answer"):
        again(tmp_path, rays(monkeypatch, lambda name, _: name == "answer"))


def test_actors_that_die_now_and_then_over_a_long_run_do_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def now_and_then(name: str, count: int) -> bool:
        return (name == "open" and count % 3 == 2) or (name == "render" and count % 4 == 1)

    said: list[str] = []
    with rays(monkeypatch, now_and_then) as executor:
        executor.start(lambda hand: None)
        done = dispatch([_task(n) for n in range(40)], executor, heartbeat=lambda hand: None, say=said.append)
        assert sorted(f.index for one in done for f in one.failures if f.what == "made") == list(range(40))
    assert len(said) > 6


def test_actors_that_always_die_while_opening_end_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="all workers died 3 times while they opened the model"):
        again(tmp_path, rays(monkeypatch, lambda name, _: name == "open"))


def test_what_ray_itself_raises_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    executor = rays(monkeypatch, lambda name, _: False)
    ray = sys.modules["ray"]

    def lost(ref: object) -> bytes:
        raise ray.exceptions.RayError("the cluster is gone")

    monkeypatch.setattr(ray, "get", lost)
    with pytest.raises(RenderError, match="Ray gave up: the cluster is gone"):
        again(tmp_path, executor)


def test_a_cluster_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Ray cluster"):
        again(tmp_path, RayExecutor(SETUP, 1, address="auto"))


def test_the_run_itself_imports_no_torch() -> None:
    code = (
        "import sys; import lora_mixer.runs.run, lora_mixer.workers.processes, lora_mixer.workers.ray;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'diffusers', 'transformers', 'ray')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_messages_come_back_as_they_were_packed() -> None:
    task = _task(0, 1)
    assert unpack(Task, pack(task)) == task


class Mortal:
    """A crew whose workers die over chosen pictures."""

    def __init__(self, deadly: int) -> None:
        self.deadly = deadly
        self.given: deque[Task] = deque()
        self.free_slots = 2

    def __enter__(self) -> Mortal:
        return self

    def __exit__(self, *raised: object) -> None: ...

    def start(self, heartbeat: Heartbeat) -> None: ...

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        raise NotImplementedError

    def share(self, threads: int) -> int:
        return threads

    def submit(self, task: Task) -> None:
        self.given.append(task)

    def next_result(self, heartbeat: Heartbeat) -> Finished | WorkerDied:
        task = self.given.popleft()
        if any(job.index == self.deadly for job in task.jobs):
            return WorkerDied(task=task, reason="SIGKILL")
        return Finished(failures=tuple(_failure(job.index) for job in task.jobs))


class Killed(Mortal):
    """A crew whose first few workers die, whatever they are at."""

    def __init__(self, times: int) -> None:
        super().__init__(deadly=-1)
        self.times = times

    def next_result(self, heartbeat: Heartbeat) -> Finished | WorkerDied:
        self.times -= 1
        return (
            WorkerDied(task=self.given.popleft(), reason="SIGKILL")
            if self.times >= 0
            else super().next_result(heartbeat)
        )


def _failure(index: int) -> object:
    from lora_mixer.ledger.failure import Failure

    return Failure(index=index, error="RenderError", what="made")


def _task(*indexes: int) -> Task:
    jobs = tuple(RunJob(index=i, request=RenderRequest(prompt="猫"), file=f"images/{i}.png") for i in indexes)
    return Task(jobs=jobs, engine="side", reason="r", threads=1, folder=Path("/x"), token="t")


def test_the_picture_that_kills_is_found_and_its_neighbours_are_made() -> None:
    said: list[str] = []
    tasks = [_task(0, 1, 2), _task(3, 4)]
    executor = Mortal(deadly=1)
    outcomes = [
        f for done in dispatch(tasks, executor, heartbeat=lambda hand: None, say=said.append) for f in done.failures
    ]
    assert sorted(f.index for f in outcomes if f.what == "made") == [0, 2, 3, 4]
    (given_up,) = (f for f in outcomes if f.what != "made")
    assert given_up.index == 1
    assert "SIGKILL" in given_up.what
    assert len(said) == MOST_DEATHS


def test_a_batch_stays_whole_though_workers_are_killed_from_outside_again_and_again() -> None:
    executor = Killed(times=3)
    outcomes = list(dispatch([_task(0, 1, 2)], executor, heartbeat=lambda hand: None, say=lambda sentence: None))
    assert [[f.index for f in done.failures] for done in outcomes if done.failures] == [[0, 1, 2]]


def test_a_cancel_ends_the_workers_at_once(tmp_path: Path) -> None:
    class Pressed:
        def check(self) -> None:
            raise CancelledError("cancelled")

    begun = time.monotonic()
    with pytest.raises(CancelledError):
        run(plan_of(MANY), tmp_path, ProcessExecutor(SETUP, 2), options=TWO, cancel=Pressed())
    assert time.monotonic() - begun < 10
    assert not workers_of(os.getpid())
