"""Laws of every method of blending, and TIES and DARE against their equations and PEFT's."""

from __future__ import annotations

import io
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from peft.utils.merge_utils import calculate_majority_sign_mask, disjoint_merge, prune
from safetensors.torch import load_file
from torch import Tensor, nn

from lora_mixer import LoraUse, Mix, Mixer, RenderedImage, RenderOptions, RenderRequest, Strength
from lora_mixer.adapters import Weights, make_layer
from lora_mixer.blend import BLENDS, MergeEngine, Render, SideEngine, Stack, WeightedAdapter, change_of_mix, plan_for
from lora_mixer.blend.dare import thinned
from lora_mixer.blend.ties import trimmed
from lora_mixer.choices import METHODS, SUM, find_method
from lora_mixer.errors import PromptError, RequestError
from lora_mixer.images import infotext
from lora_mixer.images.infotext import parse_infotext
from lora_mixer.images.record import RenderRecord
from lora_mixer.mixer import rerender
from lora_mixer.mixes import Rectangle
from lora_mixer.modules import DENOISER, ModuleName
from lora_mixer.prompt import parse, unparse
from lora_mixer.promptfile import mix_text, parse_mix
from tests.support.kind_examples import CONV_3, EXAMPLES, LINEAR
from tests.support.specs import specs_of

NAME = ModuleName(DENOISER, "mid_block.module")
ALL = pytest.mark.parametrize("method", [find_method(row.name) for row in BLENDS if row.arrange is None], ids=str)
"""What blends weights; methods that arrange mixes are in test_arranged_methods.py."""
DENSE = pytest.mark.parametrize("method", [find_method(row.name) for row in METHODS if row.dense], ids=str)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


class OneLayer:
    """A model of one module."""

    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, shape: tuple[int, ...] = LINEAR) -> None:
        torch.manual_seed(3)
        linear = len(shape) == 2
        self.layer: Any = nn.Linear(shape[1], shape[0]) if linear else nn.Conv2d(shape[1], shape[0], shape[2:])
        self.layer.requires_grad_(False)

    @property
    def parts(self) -> dict[str, nn.Module]:
        return {DENOISER: self.layer}

    def module(self, _name: ModuleName) -> Any:
        return self.layer


def adapter(number: int, shape: tuple[int, ...] = LINEAR, kind: str = "lora") -> Any:
    example = next(e for e in EXAMPLES if e.kind == kind and shape in e.shapes)
    slots = example.build(shape, torch.Generator().manual_seed(number))
    return SimpleNamespace(
        digest=f"{number:064x}", layers={NAME: make_layer(slots, shape, shape[:1])}, modules=specs_of([NAME])
    )


def stack(method: Any, *pairs: tuple[Any, float]) -> Stack:
    placed = [WeightedAdapter(adapter=a, strength=Strength(s)) for a, s in pairs]
    return Stack(placed, method=method)


def merged(model: OneLayer, mix: Stack) -> Tensor:
    with MergeEngine(model).applied([mix], parts=(DENOISER,)):  # type: ignore[arg-type]
        return model.layer.weight.clone()


def test_every_method_has_a_name_and_does_something_with_weights() -> None:
    assert [row.name for row in BLENDS] == [row.name for row in METHODS]
    assert METHODS[0].name == "sum"
    assert all((blend.beside is None) == row.dense for blend, row in zip(BLENDS, METHODS, strict=True))
    assert all(row.source and row.does for row in METHODS)


@ALL
@pytest.mark.parametrize("kind", ["lora", "lokr", "ia3", "full"])
def test_one_lora_alone_is_that_lora_bit_for_bit(method: Any, kind: str) -> None:
    model, one = OneLayer(), adapter(1, kind=kind)
    assert torch.equal(merged(model, stack(method, (one, 0.7))), merged(model, stack(SUM, (one, 0.7))))


@ALL
def test_strength_0_is_off_exactly(method: Any) -> None:
    model, one, two = OneLayer(), adapter(1), adapter(2)
    pristine = model.layer.weight.clone()
    assert torch.equal(merged(model, stack(method, (one, 0.7), (two, 0.0))), merged(model, stack(SUM, (one, 0.7))))
    assert torch.equal(merged(model, stack(method, (one, 0.0), (two, 0.0))), pristine)
    assert torch.equal(model.layer.weight, pristine)


@ALL
@pytest.mark.parametrize("shape", [LINEAR, CONV_3], ids=str)
def test_order_changes_no_bit_and_the_pristine_weight_comes_back(method: Any, shape: tuple[int, ...]) -> None:
    model = OneLayer(shape)
    pristine = model.layer.weight.clone()
    pairs = [(adapter(number, shape), strength) for number, strength in ((1, 0.7), (2, -0.4), (3, 1.2))]
    found = [merged(model, stack(method, *order)) for order in permutations(pairs)]
    assert all(torch.equal(found[0], other) for other in found[1:])
    assert not torch.equal(found[0], pristine)
    with pytest.raises(KeyboardInterrupt), MergeEngine(model).applied([stack(method, *pairs)], parts=(DENOISER,)):  # type: ignore[arg-type]
        raise KeyboardInterrupt
    assert torch.equal(model.layer.weight, pristine)


@ALL
def test_the_merged_weight_is_the_pristine_one_with_the_methods_change(method: Any) -> None:
    model, mix = OneLayer(), stack(method, (adapter(1), 0.7), (adapter(2), 0.5))
    base = Weights(model.layer.weight.clone(), model.layer.bias.clone())
    change = change_of_mix(mix.method, NAME, base, mix.terms(parts=(DENOISER,), progress=0.0)[NAME])
    torch.testing.assert_close(merged(model, mix), base.weight + change.weight, **CLOSE)


@ALL
def test_a_cached_mix_of_one_method_is_not_taken_for_that_of_another(method: Any) -> None:
    model, pairs = OneLayer(), ((adapter(1), 0.7), (adapter(2), 0.5))
    engine = MergeEngine(model, cache_mb=64)  # type: ignore[arg-type]
    seen = []
    for chosen in (SUM, method, SUM, method):
        with engine.applied([stack(chosen, *pairs)], parts=(DENOISER,)):
            seen.append(model.layer.weight.clone())
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert torch.equal(seen[0], seen[1]) == (method == SUM)
    assert (stack(SUM, *pairs) == stack(method, *pairs)) == (method == SUM)


@pytest.mark.parametrize("density", [0.125, 0.25, 0.5, 1.0])
def test_ties_is_pefts_where_all_strengths_are_one(density: float) -> None:
    torch.manual_seed(1)
    model, adapters = OneLayer(), [adapter(number) for number in (1, 2, 3)]
    mix = stack(find_method(f"ties:density={density}"), *((one, 1.0) for one in adapters))
    base = Weights(model.layer.weight.clone(), None)
    terms = mix.terms(parts=(DENOISER,), progress=0.0)[NAME]
    changes = [term.layer.delta(base).weight for term in terms]
    kept = torch.stack([c if density == 1.0 else prune(c, density, method="magnitude") for c in changes])
    wanted = disjoint_merge(kept, calculate_majority_sign_mask(kept))
    torch.testing.assert_close(change_of_mix(mix.method, NAME, base, terms).weight, wanted, **CLOSE)
    assert torch.equal(trimmed(changes[0], density), kept[0])


def test_in_ties_the_larger_side_wins_and_the_losers_do_not_pull() -> None:
    numbers = {"density": 1.0, "scale": 2.0}
    from lora_mixer.blend.dense import ParameterChange
    from lora_mixer.blend.ties import resolve

    parts = [
        ParameterChange(torch.tensor([1.0, 1.0, 0.0]), 1.0, 0),
        ParameterChange(torch.tensor([-4.0, 3.0, 0.0]), 0.5, 0),
    ]
    assert resolve(parts, numbers).tolist() == [2 * -2.0, 2 * (1.0 + 1.5) / 2, 0.0]


def test_dare_keeps_a_share_of_each_change_and_rescales_it_by_a_mask_of_its_own() -> None:
    change = torch.randn(200, 300, generator=torch.Generator().manual_seed(0))
    kept = thinned(change, 0.7, seed=5)
    on = kept != 0
    assert 0.28 < float(on.float().mean()) < 0.32
    torch.testing.assert_close(kept[on], change[on] / 0.3)
    assert torch.equal(kept, thinned(change, 0.7, seed=5))
    assert not torch.equal(on, thinned(change, 0.7, seed=6) != 0)
    assert torch.equal(thinned(change, 0.0, seed=5), change)


def test_an_adapters_mask_hangs_on_its_content_and_the_module_and_on_no_neighbour() -> None:
    base, dare = Weights(OneLayer().layer.weight.clone(), None), find_method("dare:drop=0.6")
    one, two, three = adapter(1), adapter(2), adapter(3)

    def alone(other: Any, name: ModuleName = NAME) -> Tensor:
        terms = stack(dare, (one, 1.0), (other, 1e-30)).terms(parts=(DENOISER,), progress=0.0)[NAME]
        change = change_of_mix(dare, name, base, terms).weight
        assert change is not None
        return change.abs() > 1e-20

    assert torch.equal(alone(two), alone(three))
    assert not torch.equal(alone(two), alone(two, ModuleName(DENOISER, "mid_block.other")))
    assert int(alone(two).sum()) != base.weight.numel()


@DENSE
def test_a_dense_method_is_merged_and_says_why_and_refuses_what_it_cannot_do(method: Any) -> None:
    pairs = ((adapter(1), 0.7), (adapter(2), 0.5))
    how: Any = {"render": Render(steps=4, rows=2, height=8, width=8), "costs": None}
    for resting in (False, True):
        plan = plan_for([stack(method, *pairs), stack(method, pairs[0])], resting=resting, **how)
        assert plan.engine == "merged"
        assert method.row.title in plan.reason
        assert "2 mixes, one forward each" in plan.reason
    with pytest.raises(RequestError, match=f"{method.row.title} has no side path.*sum"):
        plan_for([stack(method, *pairs)], engine="side", **how)
    masked = WeightedAdapter(
        adapter=pairs[0][0], strength=Strength(1.0, mask=Rectangle(left=0, top=0, right=0.5, bottom=1))
    )
    both = Stack([masked, WeightedAdapter(adapter=pairs[1][0], strength=Strength())], method=method)
    with pytest.raises(RequestError, match=f"{method.row.title} knows no masks"):
        plan_for([both], **how)
    with pytest.raises(ValueError, match="side path"), SideEngine(OneLayer()).applied([both], parts=(DENOISER,)):  # type: ignore[arg-type]
        pass
    assert plan_for([stack(method, pairs[0])], engine="side", **how).engine == "side"  # one LoRA alone is the sum


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tie", "Did you mean ties"),
        ("ties:densty=0.5", "Did you mean density"),
        ("ties:density=2", "0.001 to 1"),
        ("ties:density=lots", "0.001 to 1"),
        ("sum:a=1", "takes no numbers"),
    ],
)
def test_an_unknown_method_or_number_is_refused_with_the_nearest_there_is(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        find_method(text)
    with pytest.raises(PromptError, match=said):
        parse(f"cat <mix:{text}>")


def test_a_method_is_read_back_from_its_own_text_and_from_a_tag() -> None:
    for text in ("sum", "TIES", "ties:density=0.3", "dare : drop=0.25", "ties:scale=1.5,density=0.125"):
        method = find_method(text)
        assert find_method(str(method)) == method
        prompt = parse(f"a <lora:x:1> <mix:{text}> cat")
        assert prompt.method == str(method)
        assert parse(unparse(prompt)) == prompt
    with pytest.raises(PromptError, match="Leave one"):
        parse("<mix:ties> <mix:dare>")
    with pytest.raises(PromptError, match="negative prompt"):
        parse("<mix:ties>", negative=True)
    with pytest.raises(PromptError, match="never ends"):
        parse("cat <mix:ties")


LOOKS = {"line_art": 0.8, "night_sky": 0.7}
SMALL = {"seed": 3, "steps": 2, "width": 64, "height": 64}


def pixels(picture: RenderedImage) -> np.ndarray[Any, Any]:
    return np.asarray(picture.image).astype(int)


@pytest.fixture(scope="module")
def ties(mixer: Mixer) -> RenderedImage:
    return mixer.render("cat", loras=LOOKS, method="ties:density=0.4", **SMALL)


def test_the_record_names_the_method_and_the_same_pixels_come_from_it_again(mixer: Mixer, ties: RenderedImage) -> None:
    assert ties.record.settings.method == "ties:density=0.4,scale=1"
    assert ties.record.engine == "merged"
    assert any("experimental" in note for note in ties.record.notes)
    again = RenderRecord.from_json(ties.record.to_json())
    assert np.array_equal(pixels(rerender(mixer, again)), pixels(ties))
    assert parse_infotext(infotext(ties.record)).fields["Mix method"] == "ties:density=0.4,scale=1"
    old = ties.record.to_json().replace('"method":"ties:density=0.4,scale=1",', "")
    assert RenderRecord.from_json(old).settings.method == "sum"


def test_a_tag_a_mix_and_a_field_ask_for_the_same_picture(mixer: Mixer, ties: RenderedImage) -> None:
    tagged = mixer.render("cat <mix:ties:density=0.4>", loras=LOOKS, **SMALL)
    assert tagged.record.settings.method == ties.record.settings.method
    assert np.array_equal(pixels(tagged), pixels(ties))
    request = RenderRequest("cat", loras=Mix(LOOKS, "ties:density=0.4"), **SMALL)  # type: ignore[arg-type]
    assert request.method == "ties:density=0.4"
    assert np.array_equal(pixels(mixer.render(request)), pixels(ties))
    assert not np.array_equal(pixels(mixer.render("cat", loras=LOOKS, **SMALL)), pixels(ties))


def test_pictures_of_several_methods_in_one_batch_are_what_they_are_alone(mixer: Mixer, ties: RenderedImage) -> None:
    requests = [
        RenderRequest("cat", loras=Mix(LOOKS, method), **SMALL) for method in ("sum", "ties:density=0.4", "dare")
    ]  # type: ignore[arg-type]
    together = list(mixer.render_many(requests, batch=3))
    assert {picture.record.engine for picture in together} == {"merged"}
    assert np.abs(pixels(together[1]) - pixels(ties)).max() <= 2
    for request, picture in zip(requests, together, strict=True):
        alone = mixer.render(request, options=RenderOptions(engine="merged"))
        assert np.abs(pixels(alone) - pixels(picture)).max() <= 2
        assert np.array_equal(pixels(rerender(mixer, picture.record)), pixels(picture))


def test_an_exported_lora_is_the_mix_as_its_method_blends_it(mixer: Mixer, ties: RenderedImage, tmp_path: Path) -> None:
    path = tmp_path / "ties.safetensors"
    mixer.bake("cat", path, loras=LOOKS, method="ties:density=0.4", rank=512, dtype="float32")
    alone = mixer.render("cat", loras={str(path): 1.0}, **SMALL)
    assert np.abs(pixels(alone) - pixels(ties)).max() <= 2
    assert load_file(path)


def test_the_size_of_a_mix_is_told_by_its_method(mixer: Mixer) -> None:
    added, blended = mixer.overlap(LOOKS), mixer.overlap(LOOKS, method="ties:density=0.1")
    assert added.blended_size() is None
    size, whole = blended.blended_size(), added.together(list(LOOKS.values()))
    assert size is not None
    assert 0 < size < whole
    assert "ties:density=0.1,scale=1" in blended.sum_sentence(list(LOOKS.values()))


def test_a_mix_file_holds_its_method_and_one_without_is_the_sum() -> None:
    mix = Mix((LoraUse("ink", 0.5), LoraUse("sepia", 0.4)), "dare:drop=0.25")
    assert parse_mix(mix_text(mix).encode(), where="x") == mix
    assert "method" not in mix_text(mix.uses)
    assert parse_mix(mix_text(mix.uses).encode(), where="x").method == "sum"
    assert io.StringIO(mix_text(mix)).readlines()[2] == 'method = "dare:drop=0.25"\n'
    with pytest.raises(Exception, match="Did you mean dare"):
        parse_mix(mix_text(mix).replace("dare", "dar").encode(), where="x")
