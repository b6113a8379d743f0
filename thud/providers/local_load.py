"""Loads a model under test from a folder: base, adapter, 4-bit. What does not fit is refused, never left out.

A checkpoint that lacks weights would answer at random, and an adapter whose weights find no place would leave the base
as it is; both load without an error, so both are looked for here.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart, RunFailed
from thud.providers.torchvision_shim import mend_torchvision
from thud.providers.wire import library

if TYPE_CHECKING:
    from thud.providers.transformers import LocalModel

DTYPES = ("auto", "bfloat16", "float16", "float32")
KEPT_WHOLE = ["lm_head", "visual", "vision_tower", "audio_tower", "embed_vision", "embed_audio"]
"""Not stored in 4 bits: eyes and ears are a small part of the memory and what is measured here."""

INSTALL = "Run: pip install -r requirements.txt"


def load(model: LocalModel) -> tuple[Any, Any]:
    """The model, ready to answer, and its processor.

    Raises BadRequest for a folder that is no such model or an adapter that does not fit, MissingPart for a library,
    RunFailed when memory does not suffice.
    """
    if model.dtype not in DTYPES:
        raise BadRequest(f"{model.dtype} is no number format for a model. Use one of: {', '.join(DTYPES)}.")
    check_folder(model.path)
    if model.adapter:
        check_adapter(model.adapter)  # before the base, which may take minutes
    with quiet(), translated(model):
        transformers = ready()
        base = _base(transformers, model)
        processor = transformers.AutoProcessor.from_pretrained(
            model.path, local_files_only=True, trust_remote_code=model.trust_remote_code
        )
        check_processor(processor, model.path)
        whole = _adapted(base, model.adapter) if model.adapter else base
        return whole.eval(), processor


def ready() -> Any:
    """The transformers library without its progress bars, torch's threads set. Raises MissingPart."""
    try:
        torch = library("torch")
        mend_torchvision()
        transformers = library("transformers")
    except MissingPart as error:
        raise MissingPart(f"Models on this machine need torch and transformers. {INSTALL}") from error
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads())
    transformers.logging.disable_progress_bar()
    return transformers


def threads() -> int:
    """How many threads torch gets: all cores but one.

    On a machine whose cores are all busy, torch's threads wait for each other, and two of two cores were 20 times
    slower than one. OMP_NUM_THREADS in the environment has the last word.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


@contextmanager
def quiet() -> Iterator[None]:
    """A block in which the libraries neither warn nor draw progress bars: what matters is checked and told."""
    for name in ("transformers", "bitsandbytes", "peft", "accelerate", "torchao"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def translated(model: LocalModel) -> Iterator[None]:
    """A block in which what the libraries raise becomes a sentence."""
    try:
        yield
    except ImportError as error:
        raise MissingPart(f"{_first(error)} {INSTALL}") from error
    except raised() as error:
        if is_out_of_memory(error):
            raise RunFailed(
                f"{model.path} does not fit in the memory of this machine. Load it in 4 bits, or take a smaller one."
            ) from error
        raise BadRequest(f"{model.path} cannot be loaded as a model: {_first(error)}") from error


def raised() -> tuple[type[Exception], ...]:
    """What the libraries raise for folders, settings and questions that they cannot use."""
    wrong_settings = library("huggingface_hub.errors").StrictDataclassError
    torn, template = library("safetensors").SafetensorError, library("jinja2").TemplateError
    plain = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
    return (*plain, wrong_settings, torn, template)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, or this machine, had no memory left."""
    told = str(error)
    return isinstance(error, library("torch").OutOfMemoryError) or (
        isinstance(error, RuntimeError) and ("not enough memory" in told or "can't allocate memory" in told)
    )


def device_of(model: LocalModel) -> str:
    """Where the model runs: as asked, or "cuda" where there is one and "cpu" elsewhere. BadRequest without a GPU."""
    there = library("torch").cuda.is_available()
    if model.device.startswith("cuda") and not there:
        raise BadRequest("No GPU can be used here. Choose the device cpu or auto, or install a torch with CUDA.")
    return model.device if model.device != "auto" else "cuda" if there else "cpu"


def kind_of(transformers: Any, path: str, **options: Any) -> tuple[Any, Any]:
    """The class that loads the model in that folder, and its configuration.

    Of a whole omni model they are its thinker's: the part that speaks is left on the disk.
    """
    config = transformers.AutoConfig.from_pretrained(path, **options)
    if not hasattr(config, "thinker_config"):
        return transformers.AutoModelForMultimodalLM, config
    config = config.thinker_config
    return transformers.models.auto.modeling_auto.MODEL_FOR_MULTIMODAL_LM_MAPPING[type(config)], config


def with_weights(kind: Any, config: Any, path: str, **options: Any) -> Any:
    """The model with the weights of that folder; kind, config: of `kind_of`. BadRequest where weights lack."""
    loaded, found = kind.from_pretrained(path, config=config, output_loading_info=True, **options)
    absent = sorted(found["missing_keys"])
    if absent:
        raise BadRequest(
            f"{path} lacks {len(absent)} of the model's weights (such as {absent[0]}); it would answer at random. "
            "Download it again."
        )
    return loaded


def nf4(transformers: Any, computing: Any, **more: Any) -> Any:
    """How weights are stored in 4 bits. computing: the torch.dtype that they are computed in."""
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=computing,
        llm_int8_skip_modules=[rf"(?:.*\.)?{name}" for name in KEPT_WHOLE],
        **more,
    )


def check_folder(path: str) -> None:
    """Returns for a folder with a model's config.json; BadRequest says what it is instead."""
    folder = Path(path)
    if not folder.is_dir():
        raise BadRequest(f"There is no folder {path}. Download the model first, and give the folder it is in.")
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise BadRequest(f"{path} holds an adapter. Give its base model as the model, and this as its adapter.")
        raise BadRequest(f"{path} is not a model: it has no config.json.")


def check_adapter(folder: str) -> None:
    """Returns for a folder with an adapter; BadRequest for any other."""
    if not (Path(folder) / "adapter_config.json").is_file():
        raise BadRequest(f"{folder} is not an adapter: it has no adapter_config.json.")


def check_processor(processor: Any, path: str) -> None:
    """Returns for a processor that can be asked with pictures or sound; path: where it is from. Raises BadRequest."""
    if not hasattr(processor, "tokenizer"):
        raise BadRequest(f"{path} has no processor for pictures or sound; copy the base model's files there.")
    if not getattr(processor, "chat_template", None):
        raise BadRequest(f"{path} has no chat template; copy chat_template.jinja from its base model.")


def senses(model: Any, processor: Any) -> tuple[bool, bool]:
    """Whether a model hears, and whether it sees: what its architecture takes and its processor can make."""
    taken = core_of(model).input_modalities
    hears = "audio" in taken and hasattr(processor, "feature_extractor")
    return hears, "video" in taken and hasattr(processor, "video_processor")


def core_of(model: Any) -> Any:
    """The model without its adapter's wrapping."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def with_adapter(base: Any, folder: str, **options: Any) -> Any:
    """The base with the adapter in that folder. BadRequest unless each of the adapter's weights found its place.

    folder: one that `check_adapter` lets through. options: of PEFT, such as is_trainable.
    """
    peft = library("peft")
    try:
        adapted = peft.PeftModel.from_pretrained(base, folder, **options)
        result = adapted.load_adapter(folder, "default", **options)
    except raised() as error:
        if is_out_of_memory(error):
            raise
        told = f"The adapter {folder} was made for another model than {base.name_or_path}: {_first(error)}"
        raise BadRequest(told) from error
    astray = [*result.missing_keys, *result.unexpected_keys]
    if astray:
        raise BadRequest(
            f"The adapter {folder} was made for another model: {len(astray)} of its weights have no place in this one "
            f"(such as {astray[0]})."
        )
    return adapted


def _base(transformers: Any, model: LocalModel) -> Any:
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": model.trust_remote_code}
    kind, config = kind_of(transformers, model.path, **options)
    device = device_of(model)
    spread = device == "cuda" and library("torch").cuda.device_count() > 1
    return with_weights(
        kind,
        config,
        model.path,
        dtype=model.dtype,
        device_map="auto" if spread else {"": device},
        quantization_config=nf4(transformers, _computing(config, model, device)) if model.four_bit else None,
        **options,
    )


def _computing(config: Any, model: LocalModel, device: str) -> Any:
    """The torch.dtype that weights in 4 bits are computed in."""
    torch = library("torch")
    stated = getattr(torch, model.dtype) if model.dtype != "auto" else getattr(config, "dtype", None)
    return torch.float32 if device == "cpu" else stated or torch.bfloat16


def _adapted(base: Any, folder: str) -> Any:
    """The base with its adapter in use. BadRequest for one that does not fit or changes nothing."""
    adapted = with_adapter(base, folder, is_trainable=False)
    if not adapted.active_adapters or not _changes(adapted):
        raise BadRequest(
            f"The adapter {folder} changes nothing: its weights are those from before training. Ask the base model "
            "without it, or give the folder of a finished training."
        )
    return adapted


def _changes(adapted: Any) -> bool:
    """Whether any of the adapter's weights differs from its start: LoRA's second matrix starts at zero."""
    ours = [(name, tensor) for name, tensor in adapted.named_parameters() if ".default" in name]
    second = [tensor for name, tensor in ours if "lora_B" in name or "lora_embedding_B" in name]
    return any(bool(tensor.any()) for tensor in second or [tensor for _, tensor in ours])


def _first(error: BaseException) -> str:
    """The first sentence or line of what a library says, which may be pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = " ".join(lines[:2]) if lines else type(error).__name__
    return told if len(told) <= 300 else told[:299] + "…"
