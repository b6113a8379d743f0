"""Tiny random models of the families that hear and see, written as real checkpoints in about a second each.

Nothing is learnt: what they say is noise, and depends on every pixel and every sample that reaches them. Weights are
drawn larger than usual, so that a change of the picture or of the sound shows in the answer.
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

from thud.providers.torchvision_shim import mend_torchvision

SPECIAL = {
    "image_token": "<|IMAGE|>", "audio_token": "<|AUDIO|>", "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>", "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>", "audio_eos_token": "<|audio_eos|>",
}  # fmt: skip
TEXTS = [
    "Do the picture and the sound of this clip belong together?", "The sound comes late.", "The sound comes early.",
    "Yes, they are in time with each other.", "There is no sound at all; the clip is silent.", "<1.5 seconds>",
]  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}<|vision_bos|><|VIDEO|><|vision_eos|>"
    "{% elif part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0}
TEXT = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 2048, "rope_parameters": ROPE,
}  # fmt: skip
VISION = {"depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 64, "in_channels": 3}
SOUND = {
    "num_mel_bins": 32, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64, "d_model": 32,
    "output_dim": 64, "max_source_positions": 1500,
}  # fmt: skip
SPREAD = 4.0
"""How much larger than usual the weights are."""


def write_qwen25_omni(folder: Path, *, seed: int = 0, hidden: int = 64) -> Path:
    """A Qwen2.5-Omni thinker. hidden: width of its language model, to make one that another's adapter does not fit."""
    mend_torchvision()
    from transformers import (
        Qwen2_5OmniProcessor,
        Qwen2_5OmniThinkerConfig,
        Qwen2_5OmniThinkerForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    tokens = _tokenizer()
    config = Qwen2_5OmniThinkerConfig(
        text_config=TEXT | {"hidden_size": hidden, "intermediate_size": 128, "vocab_size": len(tokens)},
        vision_config=VISION | {"patch_size": 14, "out_hidden_size": hidden, "fullatt_block_indexes": [1]},
        audio_config=SOUND | {"output_dim": hidden},
        audio_token_index=tokens.audio_token_id,
        image_token_index=tokens.image_token_id,
        video_token_index=tokens.video_token_id,
        seconds_per_chunk=1,  # not what its processor takes when it is not told
        **_marks(tokens),
    )
    size = {"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 64}
    processor = Qwen2_5OmniProcessor(
        Qwen2VLImageProcessor(size=size), Qwen2VLVideoProcessor(size=size), _ears(), tokens, chat_template=TEMPLATE
    )
    return _save(folder, Qwen2_5OmniThinkerForConditionalGeneration, config, processor, seed)


def write_qwen3_omni(folder: Path, *, seed: int = 0) -> Path:
    """A Qwen3-Omni-MoE thinker with four experts."""
    mend_torchvision()
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
        Qwen3OmniMoeProcessor,
        Qwen3OmniMoeThinkerConfig,
        Qwen3OmniMoeThinkerForConditionalGeneration,
    )

    tokens = _tokenizer()
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64, "intermediate_size": 128}
    rope = ROPE | {"mrope_interleaved": True, "interleaved": True}
    config = Qwen3OmniMoeThinkerConfig(
        text_config=TEXT | experts | {"vocab_size": len(tokens), "rope_parameters": rope},
        vision_config=VISION
        | {"patch_size": 16, "out_hidden_size": 64, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]},
        audio_config=SOUND | {"n_window": 50, "downsample_hidden_size": 16},
        audio_token_id=tokens.audio_token_id,
        image_token_id=tokens.image_token_id,
        video_token_id=tokens.video_token_id,
        position_id_per_seconds=13,
        **_marks(tokens),
    )
    size = {"shortest_edge": 32 * 32, "longest_edge": 32 * 32 * 64}
    patches = {"patch_size": 16, "size": size}
    processor = Qwen3OmniMoeProcessor(
        Qwen2VLImageProcessor(**patches), Qwen2VLVideoProcessor(**patches), _ears(), tokens, chat_template=TEMPLATE
    )
    return _save(folder, Qwen3OmniMoeThinkerForConditionalGeneration, config, processor, seed)


def write_qwen25_vl(folder: Path, *, seed: int = 0) -> Path:
    """A Qwen2.5-VL: sees and does not hear."""
    mend_torchvision()
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    tokens = _tokenizer()
    config = Qwen2_5_VLConfig(
        text_config=TEXT | {"intermediate_size": 128, "vocab_size": len(tokens), **_ends(tokens)},
        vision_config=VISION | {"patch_size": 14, "out_hidden_size": 64, "fullatt_block_indexes": [1]},
        image_token_id=tokens.image_token_id,
        video_token_id=tokens.video_token_id,
        vision_start_token_id=tokens.vision_bos_token_id,
    )
    processor = Qwen2_5_VLProcessor(Qwen2VLImageProcessor(), tokens, Qwen2VLVideoProcessor(), chat_template=TEMPLATE)
    return _save(folder, Qwen2_5_VLForConditionalGeneration, config, processor, seed)


def write_qwen3_vl(folder: Path, *, seed: int = 0) -> Path:
    """A Qwen3-VL: sees, does not hear, and is told the time of each picture in words."""
    mend_torchvision()
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    tokens = _tokenizer()
    config = Qwen3VLConfig(
        text_config=TEXT
        | {"intermediate_size": 128, "vocab_size": len(tokens), "head_dim": 16, **_ends(tokens)}
        | {"rope_parameters": ROPE | {"mrope_interleaved": True}},
        vision_config=VISION
        | {"patch_size": 16, "out_hidden_size": 64, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]},
        image_token_id=tokens.image_token_id,
        video_token_id=tokens.video_token_id,
        vision_start_token_id=tokens.vision_bos_token_id,
        vision_end_token_id=tokens.vision_eos_token_id,
    )
    eyes = Qwen2VLImageProcessor(patch_size=16)
    processor = Qwen3VLProcessor(eyes, tokens, Qwen3VLVideoProcessor(), chat_template=TEMPLATE)
    return _save(folder, Qwen3VLForConditionalGeneration, config, processor, seed)


def write_whole_omni(folder: Path, thinker: Path) -> Path:
    """The checkpoint as it is published: the thinker's weights under `thinker.`, and a talker beside them."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(thinker, folder)
    config = json.loads((folder / "config.json").read_text())
    kind = config["model_type"].removesuffix("_thinker")
    whole = {"architectures": ["Qwen2_5OmniModel"], "model_type": kind, "thinker_config": config}
    (folder / "config.json").write_text(json.dumps(whole))
    weights = {f"thinker.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    weights["talker.thinker_to_talker_proj.weight"] = torch.zeros(4, 4)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def write_adapter(folder: Path, base: Path, *, strength: float = 1.0, seed: int = 1) -> Path:
    """A LoRA adapter of rank 4 on the attention of `base`'s language model. strength 0: it changes nothing."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForMultimodalLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForMultimodalLM.from_pretrained(base)
        torch.manual_seed(seed)
        wanted = r".*language_model.*\.(q_proj|v_proj|o_proj)"
        adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=wanted))
        with torch.no_grad():
            for name, tensor in adapted.named_parameters():
                if "lora_B" in name:
                    tensor.normal_(0, strength)
        adapted.save_pretrained(folder)
    return folder


def renamed_adapter(folder: Path, adapter: Path) -> Path:
    """`adapter` with one weight for a layer that no tiny model has: libraries leave such a weight out in silence."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    last = sorted(weights)[-1]
    weights[last.replace(".layers.1.", ".layers.7.")] = weights.pop(last)
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet, show_progress=False)
    )
    learnt = json.loads(learner.to_str())["model"]
    merges = [tuple(pair) for pair in learnt["merges"]]
    return Qwen2Tokenizer(
        learnt["vocab"], merges, eos_token="<|im_end|>", bos_token="<|im_start|>", extra_special_tokens=SPECIAL
    )


def _marks(tokens: Any) -> dict[str, int]:
    return {
        "audio_start_token_id": tokens.audio_bos_token_id,
        "audio_end_token_id": tokens.audio_eos_token_id,
        "vision_start_token_id": tokens.vision_bos_token_id,
        "vision_end_token_id": tokens.vision_eos_token_id,
        **_ends(tokens),
    }


def _ends(tokens: Any) -> dict[str, int]:
    return {
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
        "bos_token_id": tokens.bos_token_id,
    }


def _ears() -> Any:
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=32, return_attention_mask=True)


def _save(folder: Path, kind: Any, config: Any, processor: Any, seed: int) -> Path:
    import torch

    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = kind(config)
        with torch.no_grad():
            for tensor in model.parameters():
                if tensor.ndim > 1:
                    tensor.mul_(SPREAD)
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    return folder
