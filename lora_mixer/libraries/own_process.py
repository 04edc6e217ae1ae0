"""Begin a process that is ours alone, before torch is imported.

What is put off here, others may need who share a process with us: so commands and workers put it off, and a program of your
own does not.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import cast

from lora_mixer.libraries.deferring import Deferral, defer, run_deferred
from lora_mixer.waiting import wait_passively

META = "torch._meta_registrations"
KNOWN = ("2.13.",)
"""Releases of torch of which it is known what else they do in `META`; with any other nothing is put off."""


def begin() -> None:
    """Begin a command or a worker.

    Threads wait asleep, torch leaves its operators on the meta device for later, and diffusers finds no peft: it would import
    all of it, which takes a second, for LoRAs that are loaded here without it.
    """
    wait_passively()
    sys.modules.setdefault("peft", cast(ModuleType, None))  # Python's word for a module that is not to be found
    if "torch" not in sys.modules:
        defer(PUT_OFF)


def meta_operators() -> None:
    """Have the operators on the meta device that torch has in Python, before a network without weights is run there.

    Making tensors and moving them there needs none of these.
    """
    run_deferred(META)


def _can_wait() -> bool:
    """Give generators their metaclass, which torch does in the midst of `META`; return whether the rest can wait."""
    import torch
    from torch import _opaque_base

    if not torch.__version__.startswith(KNOWN):
        return False
    torch._C._set_generator_metaclass(_opaque_base.OpaqueBaseMeta)  # noqa: SLF001 torch's
    return True


BROUGHT = (
    "torch._decomp",
    "torch._prims",
    "torch._prims_common.wrappers",
    "torch._refs",
    "torch.testing._internal.common_dtype",
    "torch.utils._content_store",
)
"""Modules that `META` brings, without those below them."""
PUT_OFF: Mapping[str, Deferral] = {META: Deferral(before=BROUGHT, instead=_can_wait)}
"""What torch imports last: its operators over again, in Python, for tensors without values. It is a third of an import of
torch. Compilers and fake tensors ask for what it brings, whoever computes on the meta device for `meta_operators`."""
