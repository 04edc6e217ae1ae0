"""Trainings in processes of their own: found again, stopped, gone on with, and one line for whatever is wrong."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from lora_mixer.errors import FileError, LoraMixerError, RequestError
from lora_mixer.ledger.lock import hold
from lora_mixer.trainer.apart import TrainingAsked, TrainingPlace, Trainings, TrainingStatus, trainings
from lora_mixer.trainer.apart.trainings import wrong_settings
from lora_mixer.trainer.apart.worker import train_in

TINY = {"steps": 3, "batch": 1, "rank": 1, "resolution": 64, "rate": 1e-3, "checkpoint_every": 1}
ASKED = TrainingAsked(model="emoji", settings=TINY)
PATIENCE = 300


def png(colour: str = "red", size: tuple[int, int] = (64, 64)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def service() -> Trainings:
    return Trainings()


def made(service: Trainings, root: Path, name: str = "My style") -> TrainingPlace:
    place = service.make(root, name)
    for number, colour in enumerate(("red", "blue")):
        service.take(root, place, f"{number}.png", png(colour))
    return place


def test_it_trains_to_its_file_and_tells_how_far_it_is(service: Trainings, tmp_path: Path) -> None:
    place = made(service, tmp_path)
    service.captioned(place, "0.png", "a  red\nsquare")
    assert (place.sent / "0.txt").read_text() == "a red square"
    place.ask(ASKED)
    train_in(place)
    status = service.status(place)
    assert (status.state, status.step, status.of, status.encoded) == ("finished", 3, 3, 2)
    assert [row[0] for row in place.losses()] == [1, 2, 3]
    assert place.output.is_file()
    assert [(found.name, told.state) for found, told in Trainings().listed(tmp_path)] == [("My style", "finished")]


def test_a_stop_keeps_the_state_and_it_goes_on(
    service: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(service, tmp_path)
    place.ask(ASKED)
    asked = iter([False, False, False, True])
    monkeypatch.setattr(TrainingPlace, "is_stopped", lambda _place: next(asked, False))
    train_in(place)
    status = service.status(place)
    assert (status.state, status.step, place.has_state) == ("stopped", 1, True)
    train_in(place)
    status = service.status(place)
    assert (status.state, status.step) == ("finished", 3)
    assert any("going on at step 1" in note for note in status.notes)


def test_a_killed_process_is_found_out_and_gone_on_with(service: Trainings, tmp_path: Path) -> None:
    place = made(service, tmp_path)
    long = TrainingAsked(model="emoji", settings=TINY | {"steps": 100_000})
    service.begin(place, long)
    with pytest.raises(RequestError, match="runs already"):
        service.begin(place, long)
    with pytest.raises(RequestError, match="another training runs"):
        service.begin(made(service, tmp_path, "other"), ASKED)
    wait_for(lambda: Trainings().status(place).step > 0, place)
    os.kill(int(place.read(".lock")["pid"]), signal.SIGKILL)
    wait_for(lambda: not service.status(place).under_way, place)
    assert Trainings().status(place).state == "ended"
    at = Trainings().status(place).step
    service.begin(place, long)
    wait_for(lambda: Trainings().status(place).step > at, place)
    service.stop(place)
    wait_for(lambda: service.status(place).state == "stopped", place)
    wait_for(lambda: not service.works(place), place)
    assert place.has_state


def wait_for(is_so: object, place: TrainingPlace) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, place.log.read_text()
        time.sleep(0.2)


def test_who_holds_the_folder_works_there(service: Trainings, tmp_path: Path) -> None:
    place = made(service, tmp_path)
    TrainingStatus(state="training", step=5, first=0, of=10, seconds=10.0).write(place)
    with hold(place.folder, lambda _sentence: None):
        status = service.status(place)
        assert (status.state, status.left) == ("training", 10.0)
    assert service.status(place).state == "ended"
    (place.folder / "status.json").write_text("[torn")
    assert service.status(place).state == "new"


@pytest.mark.parametrize(
    ("settings", "pictures", "said"),
    [({"rank": 0}, True, "rank 0"), (TINY, False, "no picture to learn from"), ({"rnak": 3}, True, "rnak")],
)
def test_what_cannot_be_trained_is_one_line_and_starts_nothing(
    service: Trainings, tmp_path: Path, settings: dict[str, object], pictures: bool, said: str
) -> None:
    place = made(service, tmp_path) if pictures else service.make(tmp_path, "empty")
    with pytest.raises(LoraMixerError, match=said) as raised:
        service.begin(place, TrainingAsked(settings=settings))
    assert "\n" not in str(raised.value)
    assert not place.log.exists()


def test_what_fails_in_the_process_is_told_in_one_line(service: Trainings, tmp_path: Path) -> None:
    place = made(service, tmp_path)
    place.ask(TrainingAsked(model="nowhere", settings=TINY))
    train_in(place)
    status = service.status(place)
    assert status.state == "failed"
    assert "nowhere" in status.message
    assert "\n" not in status.message


@pytest.mark.parametrize("name", ["", " a", "a ", "../a", ".a", "a/b", "x" * 81, "a:b"])
def test_impossible_names_are_refused(service: Trainings, tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError, match="cannot be called"):
        service.make(tmp_path, name)


def test_sent_files_are_kept_as_they_are_and_never_over_another(
    service: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(service, tmp_path)
    service.take(tmp_path, place, "0.png", png("red"))
    with pytest.raises(FileError, match=r"another 0\.png"):
        service.take(tmp_path, place, "0.png", png("green"))
    assert service.take(tmp_path, place, "C:\\mine\\2.png", png()).name == "2.png"
    for name in ("a.exe", ".png", "..", "a.safetensors"):
        with pytest.raises(RequestError):
            service.take(tmp_path, place, name, png())
    with pytest.raises(RequestError, match="already"):
        service.make(tmp_path, "my STYLE")
    with pytest.raises(RequestError, match="no such picture"):
        service.captioned(place, "../../etc.png", "x")
    monkeypatch.setattr(trainings, "MOST_BYTES", 10)
    with pytest.raises(RequestError, match="no more pictures"):
        service.take(tmp_path, place, "3.png", png())


def test_every_wrong_setting_is_told_by_its_name() -> None:
    told = wrong_settings({"rank": 0, "steps": 5, "rate": "fast", "nothing": 1})
    assert told.keys() == {"rank", "rate", "nothing"}


def test_a_curve_has_some_hundred_points_however_long_it_was(tmp_path: Path) -> None:
    place = TrainingPlace(tmp_path / "a")
    place.course.mkdir(parents=True)
    rows = [f"{step},1,{step / 1000},0.1,{0.5 if step == 700 else ''}" for step in range(1, 1001)]
    (place.course / "losses.csv").write_text("\n".join(["step,epoch,loss,rate,validation", *rows, "torn,"]))
    drawn = place.losses()
    assert len(drawn) == 250
    assert drawn[-1] == (1000, pytest.approx(0.9985), None)
    assert [row for row in drawn if row[2] is not None] == [(700, pytest.approx(0.6985), 0.5)]


def test_the_process_of_a_training_outlives_whoever_began_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started in a session of its own, so that a Ctrl+C at the server does not reach it."""
    seen: dict[str, object] = {}
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **options: seen.update(options) or Ended())
    service = Trainings()
    service.begin(made(service, tmp_path), ASKED)
    assert seen.get("start_new_session") or seen.get("creationflags")
    assert seen["stdin"] == subprocess.DEVNULL


class Ended:
    def poll(self) -> int:
        return 0
