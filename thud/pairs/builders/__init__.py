"""One module per pair type; `BUILDERS` holds them all, in the order of the page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import thud.pairs.builders.ctp as ctp
import thud.pairs.builders.fv_a as fv_a
import thud.pairs.builders.fv_a_l as fv_a_l
import thud.pairs.builders.fv_d as fv_d
import thud.pairs.builders.input_contrastive as input_contrastive
import thud.pairs.builders.lv_mcqa as lv_mcqa
import thud.pairs.builders.mute as mute
import thud.pairs.builders.op as op
import thud.pairs.builders.relate as relate
import thud.pairs.builders.shift as shift
import thud.pairs.builders.sp as sp
import thud.pairs.builders.swap as swap
from thud.pairs.builders.base import Builder

_MODULES: tuple[Builder, ...] = (
    ctp, shift, mute, swap, op, sp, fv_d, fv_a, fv_a_l, lv_mcqa, input_contrastive, relate,
)  # fmt: skip
BUILDERS: Mapping[str, Builder] = MappingProxyType({one.type: one for one in _MODULES})
"""The builder of every type that can be built."""
