"""The order that pays."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.grouping import cost, queue_of
from lora_mixer.hires import batch_key
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.request import RenderRequest
from lora_mixer.runs.batching import mix_key, plan_batches
from tests.support.queues import least

MIXES = st.lists(
    st.builds(LoraUse, name=st.sampled_from("ab"), strength=st.builds(Strength, denoiser=st.sampled_from([0.5, 1.0]))),
    max_size=2,
).map(tuple)
REQUESTS = st.builds(
    RenderRequest,
    prompt=st.sampled_from(["cat", "cat <lora:a:1>"]),
    loras=MIXES,
    steps=st.sampled_from([None, 4]),
    model=st.sampled_from([None, "m"]),
)


@given(st.lists(REQUESTS, max_size=30), st.integers(1, 5))
def test_every_picture_stands_in_one_batch_with_its_like(requests: list[RenderRequest], batch: int) -> None:
    batches = plan_batches(requests, batch=batch)
    assert sorted(place for group in batches for place in group) == list(range(len(requests)))
    assert all(1 <= len(group) <= batch for group in batches)
    assert all(len({batch_key(requests[place]) for place in group}) == 1 for group in batches)


@given(st.lists(REQUESTS, max_size=30), st.integers(1, 5))
def test_a_mix_fills_whole_batches_and_only_what_is_left_is_mixed(requests: list[RenderRequest], batch: int) -> None:
    batches = plan_batches(requests, batch=batch)
    kinds = {(batch_key(r), mix_key(r)) for r in requests}
    for shape, mix in kinds:
        count = sum((batch_key(r), mix_key(r)) == (shape, mix) for r in requests)
        pure = [g for g in batches if {(batch_key(requests[p]), mix_key(requests[p])) for p in g} == {(shape, mix)}]
        assert sum(len(g) == batch for g in pure) >= count // batch


@given(st.lists(REQUESTS, min_size=1, max_size=7), st.integers(2, 6))
def test_the_order_costs_at_most_a_tenth_more_than_the_best_of_all(requests: list[RenderRequest], batch: int) -> None:
    queue = queue_of(requests)
    ours = cost([[queue[place] for place in group] for group in plan_batches(requests, batch=batch)])
    assert ours <= 1.1 * least(queue, batch)


@given(st.lists(REQUESTS, max_size=30))
def test_pictures_of_one_model_stand_together(requests: list[RenderRequest]) -> None:
    models = [requests[group[0]].model for group in plan_batches(requests, batch=3)]
    assert sum(left != right for left, right in pairwise(models)) <= max(len(set(models)) - 1, 0)


def test_the_order_of_adapters_and_the_place_of_a_tag_make_no_other_mix() -> None:
    a, b = LoraUse(name="a"), LoraUse(name="b")
    assert mix_key(RenderRequest(prompt="x", loras=(a, b))) == mix_key(RenderRequest(prompt="y", loras=(b, a)))
    assert mix_key(RenderRequest(prompt="<lora:a:1> x")) == mix_key(RenderRequest(prompt="y <lora:a:1>"))
    assert mix_key(RenderRequest(prompt="x")) != mix_key(RenderRequest(prompt="x", negative="<lora:a:1>"))


def test_a_mix_is_told_by_its_method_wherever_that_stands() -> None:
    tagged = RenderRequest(prompt="x <mix:TIES> <lora:a:1>")
    assert mix_key(tagged) == mix_key(RenderRequest(prompt="x <lora:a:1>", method="ties:scale=1"))
    assert mix_key(tagged) != mix_key(RenderRequest(prompt="x <lora:a:1>"))
    sums, ties = RenderRequest(prompt="a <lora:a:1>"), RenderRequest(prompt="b <lora:a:1> <mix:ties>")
    assert plan_batches([sums, ties, sums, ties], batch=2) == ((0, 2), (1, 3))
    assert mix_key(RenderRequest(prompt="x <mix:tie>"))  # refused when the job is made
