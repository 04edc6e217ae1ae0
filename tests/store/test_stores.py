"""A store is what it says, whatever is behind it; and the ledger asks no more of it than that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.ledger.aside import ASIDE, Aside
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import FAILED, failure_lines
from lora_mixer.ledger.writer import LedgerWriter
from lora_mixer.store import FolderStore, RunStore
from tests.support.memory_store import MemoryStore

NAMES = ["plan.json", "manifest.jsonl", "images/0.png", "images/1.png", "set-aside/a"]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    (tmp_path / "images").mkdir()
    with FolderStore(tmp_path) as folder:
        yield folder


WORDS = st.binary(max_size=20)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES), WORDS),
        st.tuples(st.just("write_new"), st.sampled_from(NAMES), WORDS),
        st.tuples(st.just("append"), st.sampled_from(NAMES), WORDS),
        st.tuples(st.just("move"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    ),
    max_size=12,
)


@given(acts=ACTS)
def test_any_order_of_acts_leaves_what_a_table_of_bytes_would_hold(tmp_path_factory, acts: list[tuple]) -> None:
    folder = tmp_path_factory.mktemp("store")
    (folder / "images").mkdir()
    with FolderStore(folder) as on_disk:
        for store in (on_disk, MemoryStore()):
            held: dict[str, bytes] = {}
            for what, name, *rest in acts:
                if what == "move" and (name not in held or name == rest[0]):
                    continue
                answer = getattr(store, what)(name, *rest)
                if what == "write_new":
                    assert answer == (name not in held)
                    held.setdefault(name, rest[0])
                elif what == "write":
                    held[name] = rest[0]
                elif what == "append":
                    held[name] = held.get(name, b"") + rest[0]
                elif what == "move":
                    held[rest[0]] = held.pop(name)
                else:
                    held.pop(name, None)
            assert {name: store.read(name) for name in NAMES if store.has(name)} == held
            assert [f"images/{name}" for name in store.names("images")] == sorted(
                n for n in held if "/" in n and n[0] == "i"
            )


def test_what_is_not_there_is_said_so(store: RunStore) -> None:
    assert (store.read("none"), store.has("none"), store.names("none")) == (b"", False, ())
    store.remove("none")
    with pytest.raises(FileNotFoundError):
        store.move("none", "other")


def test_the_ledger_works_over_any_store(store: RunStore) -> None:
    said: list[str] = []
    writer = LedgerWriter(store, said.append)
    store.write("plan.json", b"no plan")
    assert writer.plan() is None
    assert store.names(ASIDE) == ("plan.json",)
    writer.fail([Failure(index=0, error="RenderError", what="x")])
    writer.fail([Failure(index=1, error="RenderError", what="y")])
    store.append(FAILED, b"torn")
    store.write("images/.0000.01234567.png", b"left over")
    writer.repair()
    assert [line.index for line in failure_lines(store.read(FAILED)).whole] == [0, 1]
    assert store.names("images") == ()
    store.write("images/0000.png", b"a picture")
    assert Aside(store).take("images/0000.png") == f"{ASIDE}/0000.png"
    assert store.read(f"{ASIDE}/0000.png") == b"a picture"
