"""Encoding: against transformers' own output, an independent chunker, and the laws of emphasis and length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from lora_mixer.conditioning import Conditioner, EmbeddingVectors, TextEmbeds, repeat_to_common_length
from lora_mixer.conditioning.chunks import Chunker
from lora_mixer.conditioning.vocabulary import Vocabulary
from lora_mixer.errors import RequestError
from lora_mixer.families import SD1, SDXL, Family
from lora_mixer.models import module_of
from lora_mixer.modules import DENOISER, ModuleName
from lora_mixer.prompt import Break, Piece, Words, parse, timeline
from tests.support.hooks import forward_hooks

TOKENIZER = Path(__file__).parents[2] / "lora_mixer" / "data" / "emoji" / "model" / "tokenizer"
EOS = 49407


@dataclass
class Small:
    """What a conditioner needs of a model, in small."""

    family: Family
    parts: dict[str, torch.nn.Module]
    tokenizers: dict[str, CLIPTokenizer]
    device: str = "cpu"

    def module(self, name: ModuleName) -> torch.nn.Module:
        return module_of(self.parts, name)


def config(width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=2,
        projection_dim=24,
        vocab_size=49408,
        eos_token_id=EOS,
    )


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(TOKENIZER)


@pytest.fixture(scope="module")
def sd1(tokenizer: CLIPTokenizer) -> Small:
    torch.manual_seed(1)
    encoder = CLIPTextModel(config(16)).eval()
    return Small(SD1, {DENOISER: torch.nn.Identity(), "te1": encoder}, {"te1": tokenizer})


@pytest.fixture(scope="module")
def sdxl(tokenizer: CLIPTokenizer) -> Small:
    torch.manual_seed(2)
    encoders = {"te1": CLIPTextModel(config(16)).eval(), "te2": CLIPTextModelWithProjection(config(32)).eval()}
    second = CLIPTokenizer.from_pretrained(TOKENIZER, pad_token="!")
    assert second.pad_token_id == 0
    parts = {DENOISER: torch.nn.Identity(), **encoders}
    return Small(SDXL, parts, {"te1": tokenizer, "te2": second})


def pieces(text: str) -> tuple[Piece, ...]:
    return timeline(parse(text), 1)[0].parts[0].text


def ids_of(tokenizer: CLIPTokenizer, text: str, filler: int = EOS) -> torch.Tensor:
    ids = tokenizer(text).input_ids
    return torch.tensor([ids + [filler] * (77 - len(ids))])


@torch.no_grad()
def test_a_short_text_is_bit_for_bit_what_the_text_encoder_says(sd1: Small, tokenizer: CLIPTokenizer) -> None:
    expected = sd1.parts["te1"](ids_of(tokenizer, "a cat, (sitting)")).last_hidden_state
    encoded = Conditioner(sd1).encode(pieces(r"a cat, \(sitting\)"))
    assert torch.equal(encoded.tokens, expected)
    assert encoded.pooled is None


@torch.no_grad()
def test_clip_skip_takes_an_earlier_layer_through_the_final_norm(sd1: Small, tokenizer: CLIPTokenizer) -> None:
    encoder = sd1.parts["te1"]
    hidden = encoder(ids_of(tokenizer, "a cat"), output_hidden_states=True).hidden_states
    for skip in (2, 3):
        encoded = Conditioner(sd1).encode(pieces("a cat"), clip_skip=skip)
        assert torch.equal(encoded.tokens, encoder.final_layer_norm(hidden[-skip]))
    assert not torch.equal(hidden[-2], hidden[-3])
    with pytest.raises(RequestError, match="clip skip 4 is out of range"):
        Conditioner(sd1).encode(pieces("a cat"), clip_skip=4)


@torch.no_grad()
def test_sdxl_joins_both_encoders_penultimate_layers_and_pools_the_first_chunk(
    sdxl: Small, tokenizer: CLIPTokenizer
) -> None:
    first = sdxl.parts["te1"](ids_of(tokenizer, "a cat"), output_hidden_states=True).hidden_states[-2]
    second = sdxl.parts["te2"](ids_of(tokenizer, "a cat", filler=0), output_hidden_states=True)
    encoded = Conditioner(sdxl).encode(pieces("a cat"))
    assert torch.equal(encoded.tokens, torch.cat([first, second.hidden_states[-2]], dim=-1))
    assert torch.equal(encoded.pooled, second.text_embeds)
    longer = Conditioner(sdxl).encode(pieces("a cat BREAK a dog"))
    assert longer.tokens.shape == (1, 154, 48)
    torch.testing.assert_close(longer.pooled, encoded.pooled)


def test_an_empty_negative_prompt_of_sdxl_is_zero_and_only_that(sdxl: Small, sd1: Small) -> None:
    encoded = Conditioner(sdxl).encode(pieces("  "), negative=True)
    assert not encoded.tokens.any()
    assert not encoded.pooled.any()
    for text, negative in (("", False), ("a", True), ("BREAK", True)):
        assert Conditioner(sdxl).encode(pieces(text), negative=negative).tokens.any()
    assert Conditioner(sd1).encode((), negative=True).tokens.any()


@torch.no_grad()
def test_texts_of_one_pass_are_those_of_a_pass_each(sdxl: Small, sd1: Small) -> None:
    texts = [pieces(text) for text in ("a cat", "a (dog:1.3) BREAK a bird", "", "red, " * 90)]
    for model in (sdxl, sd1):
        together = Conditioner(model).embed_all(texts, negative=True)
        for text, one in zip(texts, together, strict=True):
            alone = Conditioner(model).embed(text, negative=True)
            torch.testing.assert_close(one.tokens, alone.tokens, rtol=1e-4, atol=1e-5)
            if alone.pooled is not None:
                torch.testing.assert_close(one.pooled, alone.pooled, rtol=1e-4, atol=1e-5)


def test_original_emphasis_multiplies_and_keeps_each_chunks_mean(sd1: Small) -> None:
    loaded = Conditioner(sd1)
    plain, weighted = (
        loaded.encode(pieces(t)).tokens.view(2, 77, -1) for t in ("a cat BREAK b", "a (cat:1.5) BREAK (b:0.2)")
    )
    torch.testing.assert_close(weighted.mean(dim=(1, 2)), plain.mean(dim=(1, 2)))
    ratio = weighted[0] / plain[0]
    torch.testing.assert_close(ratio[2] / ratio[1], torch.full((16,), 1.5))


def test_no_norm_multiplies_only_and_ignore_does_not_even_that(sd1: Small, sdxl: Small) -> None:
    loaded = Conditioner(sd1)
    plain = loaded.encode(pieces("a cat")).tokens
    multiplied = loaded.encode(pieces("a (cat:1.5)"), emphasis="No norm").tokens
    assert torch.equal(multiplied[:, 2], plain[:, 2] * 1.5)
    assert torch.equal(multiplied[:, [0, 1, *range(3, 77)]], plain[:, [0, 1, *range(3, 77)]])
    assert torch.equal(loaded.encode(pieces("a (cat:1.5)"), emphasis="ignore").tokens, plain)
    assert (loaded.default_emphasis, Conditioner(sdxl).default_emphasis) == ("original", "no norm")
    with pytest.raises(RequestError, match="original, no norm, ignore"):
        loaded.encode(pieces("a"), emphasis="loud")


def test_a_weight_of_zero_on_everything_stays_finite(sd1: Small) -> None:
    assert torch.isfinite(Conditioner(sd1).encode((Words(text="a", weight=0.0),)).tokens).all()


def reference_chunks(stream: list[tuple[int, float] | None], comma: int) -> list[list[tuple[int, float]]]:
    """Cut (token, weight) pairs, None for BREAK, as the reference says: told a second time, by looking back."""
    chunks: list[list[tuple[int, float]]] = []
    now: list[tuple[int, float]] = []
    for pair in stream:
        if pair is None:
            chunks.append(now)
            now = []
            continue
        if len(now) == 75:
            commas = [i for i in range(55, 75) if now[i][0] == comma]
            cut = commas[-1] + 1 if commas and pair[0] != comma else 75
            chunks.append(now[:cut])
            now = now[cut:]
        now.append(pair)
    return [*chunks, now] if now or not chunks else chunks


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(
        st.one_of(
            st.just(None),
            st.tuples(
                st.lists(st.sampled_from(["cat", "dog ", ",", ", ", "superhero"]), max_size=60), st.floats(0.5, 2)
            ),
        ),
        max_size=7,
    )
)
def test_chunks_are_those_of_an_independent_implementation(text, tokenizer: CLIPTokenizer) -> None:
    said = [Break() if part is None else Words(text=" ".join(part[0]), weight=part[1]) for part in text]
    stream: list[tuple[int, float] | None] = []
    for piece in said:
        if isinstance(piece, Break):
            stream.append(None)
        else:
            ids = tokenizer(piece.text, add_special_tokens=False).input_ids
            stream += [(token, piece.weight) for token in ids]
    chunks = Chunker(Vocabulary(tokenizer, ())).chunks(said)
    expected = reference_chunks(stream, comma=267)
    assert [list(zip(c.tokens, c.weights, strict=True)) for c in chunks] == expected


def test_what_follows_the_last_comma_of_a_full_chunk_moves_to_the_next(sd1: Small) -> None:
    chunker = Chunker(Vocabulary(sd1.tokenizers["te1"], ()))
    lengths = [len(chunk.tokens) for chunk in chunker.chunks(pieces("cat " * 60 + ", " + "dog " * 30))]
    assert lengths == [61, 30]
    assert [len(c.tokens) for c in chunker.chunks(pieces("cat " * 50 + ", " + "dog " * 40))] == [75, 16]


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(1, 6), min_size=2, max_size=3), seed=st.integers(0, 2**31))
def test_attention_over_equalised_texts_is_attention_over_each_alone(counts: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    texts = [TextEmbeds(tokens=torch.randn(1, 77 * n, 8, generator=generator, dtype=torch.float64)) for n in counts]
    query = torch.randn(1, 5, 8, generator=generator, dtype=torch.float64)
    tokens, pooled = repeat_to_common_length(texts)
    assert pooled is None
    for row, text in zip(tokens, texts, strict=True):
        alone = functional.scaled_dot_product_attention(query, text.tokens, text.tokens)
        torch.testing.assert_close(
            functional.scaled_dot_product_attention(query, row[None], row[None]), alone, rtol=1e-12, atol=1e-13
        )
        padded = torch.cat([text.tokens, text.tokens[:, -1:].expand(-1, 77, -1)], dim=1)
        assert not torch.allclose(functional.scaled_dot_product_attention(query, padded, padded), alone)


def test_equal_lengths_are_left_as_they_are_and_pooled_vectors_stacked() -> None:
    texts = [TextEmbeds(tokens=torch.randn(1, 77, 4), pooled=torch.randn(1, 3)) for _ in range(2)]
    tokens, pooled = repeat_to_common_length(texts)
    assert torch.equal(tokens, torch.cat([text.tokens for text in texts]))
    assert torch.equal(pooled, torch.cat([text.pooled for text in texts]))


def vectors(name: str, n: int, **widths: int) -> EmbeddingVectors:
    generator = torch.Generator().manual_seed(n)
    return EmbeddingVectors(name=name, vectors={p: torch.randn(n, w, generator=generator) for p, w in widths.items()})


@torch.no_grad()
def test_an_embedding_stands_in_for_its_name_vector_for_token(sd1: Small, tokenizer: CLIPTokenizer) -> None:
    encoder, bad = sd1.parts["te1"], vectors("badpic", 2, te1=16)
    loaded = Conditioner(sd1, {"badpic": bad})
    table = encoder.embeddings.token_embedding.weight
    # The same vectors as rows of the table, under tokens nobody uses otherwise.
    ids = torch.tensor([[49406, *tokenizer("a", add_special_tokens=False).input_ids, 1000, 1001, *[EOS] * 73]])
    kept = table[1000:1002].clone()
    table[1000:1002] = bad.vectors["te1"]
    expected = encoder(ids).last_hidden_state
    table[1000:1002] = kept
    for text in ("a badpic", "a BadPic", "a embedding:badpic"):
        assert torch.equal(loaded.encode(pieces(text)).tokens, expected), text
    weighted = loaded.encode(pieces("a (badpic:1.5)"), emphasis="no norm").tokens
    assert torch.equal(weighted[:, 2:4], expected[:, 2:4] * 1.5)
    assert torch.equal(weighted[:, 4:], expected[:, 4:])


def test_the_longest_name_wins_and_one_that_does_not_fit_starts_a_chunk(sd1: Small) -> None:
    short, long = vectors("bad", 3, te1=16), vectors("bad hand v4", 5, te1=16)
    chunker = Chunker(Vocabulary(sd1.tokenizers["te1"], [short, long]))
    (chunk,) = chunker.chunks(pieces("bad hand v4, bad"))
    assert [(p.embedding.name, p.offset) for p in chunk.placements] == [("bad hand v4", 0), ("bad", 6)]
    assert len(chunk.tokens) == 5 + 1 + 3
    first, second = chunker.chunks(pieces("cat " * 73 + "bad"))
    assert (len(first.tokens), len(second.tokens), second.placements[0].offset) == (73, 3, 0)
    first, second = chunker.chunks(pieces("cat " * 60 + ", bad " + "dog " * 15))
    assert (len(first.tokens), second.placements[0].offset, len(second.tokens)) == (61, 0, 18)


def test_sdxl_embeddings_go_to_both_encoders(sdxl: Small) -> None:
    loaded = Conditioner(sdxl, {"x": vectors("badpic", 2, te1=16, te2=32)})
    with_it, without = loaded.encode(pieces("badpic")), Conditioner(sdxl).encode(pieces("badpic"))
    assert not torch.equal(with_it.tokens[..., :16], without.tokens[..., :16])
    assert not torch.equal(with_it.tokens[..., 16:], without.tokens[..., 16:])


def test_embeddings_that_do_not_fit_are_named_with_the_reason(sd1: Small, sdxl: Small) -> None:
    given_ = {
        "wide": vectors("wide", 1, te1=32),
        "long": vectors("long", 76, te1=16),
        "good": vectors("good", 75, te1=16),
    }
    assert Conditioner(sd1, given_).unfit == {
        "wide": "it is 32 wide, the text encoder te1 16",
        "long": "it has 76 vectors, and 75 fit into a chunk",
    }
    assert Conditioner(sdxl, {"one": vectors("one", 1, te1=16)}).unfit == {
        "one": "it has no vectors for the text encoder te2"
    }


def test_nothing_of_an_embedding_stays_on_the_encoder(sd1: Small) -> None:
    loaded = Conditioner(sd1, {"badpic": vectors("badpic", 2, te1=16)})
    loaded.encode(pieces("badpic"))
    with pytest.raises(RequestError):
        loaded.encode(pieces("badpic"), clip_skip=9)
    assert not forward_hooks(sd1.parts["te1"].embeddings.token_embedding)


def test_a_count_is_the_longest_the_prompt_gets(sd1: Small) -> None:
    count = Conditioner(sd1).count("[a:a b c:5] <lora:x:1:lbw=ALL>, d")
    assert (count.tokens, count.chunks, count.limit) == (5, 1, 75)
    assert Conditioner(sd1).count("a BREAK b").chunks == 2
    assert Conditioner(sd1).count("").chunks == 1


def test_the_embeddings_a_text_names_are_told_in_order_and_known_by_their_vectors(sd1: Small) -> None:
    one, two = vectors("badpic", 2, te1=16), vectors("goodpic", 3, te1=16)
    named = Conditioner(sd1, {"badpic": one, "goodpic": two}).named(pieces("a goodpic, b BREAK badpic"))
    assert [embedding.name for embedding in named] == ["goodpic", "badpic"]
    assert one.digest == vectors("another name", 2, te1=16).digest
    assert one.digest != two.digest
