"""Builds the tiny model: configuration, random weights, tokenizer and processor, and writes them as a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thud.providers.torchvision_shim import mend_torchvision
from training.tiny.words import corpus

WIDTH, HEIGHT = 56, 28
"""Pixels of a picture: one step in time (two pictures) is WIDTH / 28 x HEIGHT / 28 tokens."""
VOCABULARY = 1024
LONGEST_S = 8
"""Sounds are padded to this before they are heard, and cut to it."""

SPREAD = 4.0
"""How much larger than usual the weights are drawn; at this width the usual 0.02 leaves the answers flat for long."""

SPECIAL = {
    "image_token": "<|IMAGE|>", "audio_token": "<|AUDIO|>", "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>", "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>", "audio_eos_token": "<|audio_eos|>",
}  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}<|vision_bos|><|VIDEO|><|vision_eos|>"
    "{% elif part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% elif part['type'] == 'image' %}<|vision_bos|><|IMAGE|><|vision_eos|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = {
    "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 4, "max_position_embeddings": 2048,
    "rope_parameters": {"rope_type": "default", "mrope_section": [8, 4, 4], "rope_theta": 1000.0},
}  # fmt: skip
VISION = {
    "depth": 2, "hidden_size": 64, "num_heads": 2, "intermediate_size": 128, "in_channels": 3, "patch_size": 14,
    "out_hidden_size": 128, "fullatt_block_indexes": [0, 1],
}  # fmt: skip
SOUND = {
    "num_mel_bins": 40, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 192, "d_model": 96,
    "output_dim": 128, "max_source_positions": 1500,
}  # fmt: skip


def build(seed: int) -> tuple[Any, Any]:
    """(model with random weights, its processor); the same for the same seed."""
    mend_torchvision()
    import torch
    from transformers import Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration

    processor = build_processor()
    tokens = processor.tokenizer
    ends = {
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
        "bos_token_id": tokens.bos_token_id,
    }
    config = Qwen2_5OmniThinkerConfig(
        text_config=TEXT | {"vocab_size": len(tokens)},
        vision_config=VISION,
        audio_config=SOUND,
        audio_token_index=tokens.audio_token_id,
        image_token_index=tokens.image_token_id,
        video_token_index=tokens.video_token_id,
        audio_start_token_id=tokens.audio_bos_token_id,
        audio_end_token_id=tokens.audio_eos_token_id,
        vision_start_token_id=tokens.vision_bos_token_id,
        vision_end_token_id=tokens.vision_eos_token_id,
        seconds_per_chunk=2,
        position_id_per_seconds=25,
        **ends,
    )
    torch.manual_seed(seed)
    model = Qwen2_5OmniThinkerForConditionalGeneration(config)
    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.ndim > 1:
                tensor.mul_(SPREAD)
    return model, processor


def build_processor() -> Any:
    """The processor of the real family around the tiny model's own tokenizer."""
    mend_torchvision()
    from transformers import (
        Qwen2_5OmniProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
        WhisperFeatureExtractor,
    )

    size = {"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 64}
    ears = WhisperFeatureExtractor(
        feature_size=SOUND["num_mel_bins"], chunk_length=LONGEST_S, return_attention_mask=True
    )
    eyes = Qwen2VLImageProcessor(size=size), Qwen2VLVideoProcessor(size=size)
    return Qwen2_5OmniProcessor(*eyes, ears, _tokenizer(), chat_template=TEMPLATE)


def save(folder: Path, model: Any, processor: Any) -> None:
    """Writes the checkpoint: weights of 16 bits, which are to be computed with in 32 (`dtype` in config.json)."""
    import copy

    import torch

    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(_in_32_bits(config), indent=2) + "\n", encoding="utf-8")


def _in_32_bits(config: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _in_32_bits(value)
        if isinstance(value, dict)
        else "float32"
        if name in ("dtype", "torch_dtype")
        else value
        for name, value in config.items()
    }


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    room = VOCABULARY - len(SPECIAL) - 3
    settings = trainers.BpeTrainer(vocab_size=room, initial_alphabet=alphabet, show_progress=False)
    learner.train_from_iterator(corpus(), settings)
    learnt = json.loads(learner.to_str())["model"]
    merges = [tuple(pair) for pair in learnt["merges"]]
    return Qwen2Tokenizer(
        learnt["vocab"], merges, eos_token="<|im_end|>", bos_token="<|im_start|>", extra_special_tokens=SPECIAL
    )
