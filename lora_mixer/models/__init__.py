"""Models: open checkpoints as networks. The only room that knows checkpoint layouts and network classes."""

from lora_mixer.models.denoiser import Denoiser, DenoiserInputs, PictureSize
from lora_mixer.models.device import DTYPES
from lora_mixer.models.digest import digest_of_files
from lora_mixer.models.families import family_index
from lora_mixer.models.index import index_of, module_of
from lora_mixer.models.model import Model
from lora_mixer.models.offload import OFFLOAD_MODES, free_memory
from lora_mixer.models.opening import UPSCALER, files_of, open_as_stored, open_model
from lora_mixer.models.saving import save_folder
from lora_mixer.models.threads import helpful_threads, using_threads
from lora_mixer.renamed import moved

__all__ = [
    "DTYPES",
    "OFFLOAD_MODES",
    "UPSCALER",
    "Denoiser",
    "DenoiserInputs",
    "Model",
    "PictureSize",
    "digest_of_files",
    "family_index",
    "files_of",
    "free_memory",
    "helpful_threads",
    "index_of",
    "module_of",
    "open_as_stored",
    "open_model",
    "save_folder",
    "using_threads",
]

__getattr__ = moved(__name__)
