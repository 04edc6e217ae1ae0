"""Numbers of k-diffusion's own code for `tests/sampling/test_golden.py`.

Run with k-diffusion 0.1.1 and torchsde on the path, where torch is:

    pip install --no-deps --target /tmp/kd k-diffusion torchsde trampoline
    PYTHONPATH=/tmp/kd python tests/golden/samplers/make_goldens.py

Only its `sampling.py` and `external.py` are loaded; what they import but these numbers do not need stands empty. Noise is
the increments of a fixed path in sigma, so that it does not depend on how often or in which order it is asked for.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

HERE = Path(__file__).parent
LEAST, MOST = 0.0292, 14.6146
STEPS = (6, 13)
ETA = ("euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde")
PLAIN = ("euler", "heun", "dpm_2", "lms", "dpmpp_2m")


def load(name: str) -> ModuleType:
    package = Path(importlib.util.find_spec("k_diffusion").origin).parent  # type: ignore[union-attr,arg-type]
    spec = importlib.util.spec_from_file_location(f"kd.{name}", package / f"{name}.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[f"kd.{name}"] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def picture(latents: Tensor, sigma: Tensor | float, **_: object) -> Tensor:
    """A denoiser that is neither linear nor the same at all levels."""
    level = sigma if isinstance(sigma, float) else float(sigma.flatten()[0])
    return torch.tanh(latents / (1 + level)) + 0.1 * latents.roll(1, -1) / (1 + level**2)


def start() -> Tensor:
    return torch.linspace(-1.5, 1.5, 8).view(1, 1, 2, 4) * MOST


def path(sigma: float) -> Tensor:
    return torch.sin(torch.arange(8).view(1, 1, 2, 4) + 2.0 * torch.tensor(sigma))


def noise(now: Tensor | float, to: Tensor | float) -> Tensor:
    now, to = float(now), float(to)
    return (path(now) - path(to)) / max(abs(now - to), 1e-12) ** 0.5


def main() -> None:
    package = ModuleType("kd")
    package.__path__ = []
    utils = ModuleType("kd.utils")
    utils.append_dims = lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)]  # type: ignore[attr-defined]
    package.utils = utils  # type: ignore[attr-defined]
    ode = ModuleType("torchdiffeq")
    ode.odeint = None  # type: ignore[attr-defined]
    sys.modules |= {"kd": package, "kd.utils": utils, "torchdiffeq": ode}
    sampling = load("sampling")
    package.sampling = sampling  # type: ignore[attr-defined]
    external = load("external")
    found: dict[str, object] = {"sigmas": {}, "samples": {}}
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    alphas = torch.cumprod(1 - betas, 0)
    table = external.DiscreteSchedule(((1 - alphas) / alphas) ** 0.5, quantize=False)
    least, most = float(table.sigma_min), float(table.sigma_max)
    for steps in (1, *STEPS, 30):
        found["sigmas"][f"Uniform {steps}"] = table.get_sigmas(steps).tolist()
        found["sigmas"][f"Karras {steps}"] = sampling.get_sigmas_karras(steps, least, most).tolist()
        found["sigmas"][f"Exponential {steps}"] = sampling.get_sigmas_exponential(steps, least, most).tolist()
        found["sigmas"][f"Polyexponential {steps}"] = sampling.get_sigmas_polyexponential(steps, least, most).tolist()
    found["times"] = [[s, float(table.sigma_to_t(torch.tensor([s])))] for s in (0.03, 0.5, 1.0, 7.7, 14.0)]
    for steps in STEPS:
        sigmas = sampling.get_sigmas_karras(steps, LEAST, MOST)
        for name in PLAIN:
            out = getattr(sampling, f"sample_{name}")(picture, start(), sigmas, disable=True)
            found["samples"][f"{name} {steps}"] = out.flatten().tolist()
        for name in ETA:
            for eta in (0.0, 0.6, 1.0):
                given = {"eta": eta, "noise_sampler": noise, "disable": True}
                out = getattr(sampling, f"sample_{name}")(picture, start(), sigmas, **given)
                found["samples"][f"{name} {steps} {eta}"] = out.flatten().tolist()
                if name == "dpmpp_2m_sde":
                    out = sampling.sample_dpmpp_2m_sde(picture, start(), sigmas, solver_type="heun", **given)
                    found["samples"][f"dpmpp_2m_sde_heun {steps} {eta}"] = out.flatten().tolist()
        for eta in (0.0, 1.0):
            given = {"eta": eta, "noise_sampler": noise, "disable": True}
            out = sampling.sample_dpm_fast(picture, start(), LEAST, MOST, steps, **given)
            found["samples"][f"dpm_fast {steps} {eta}"] = out.flatten().tolist()
            out = sampling.sample_dpm_adaptive(picture, start(), LEAST, MOST, **given)
            found["samples"][f"dpm_adaptive {steps} {eta}"] = out.flatten().tolist()
    (HERE / "k_diffusion.json").write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
