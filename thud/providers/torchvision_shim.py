"""Makes torchvision's transforms usable beside a torch without CUDA.

The wheel on the package index is built for CUDA. Beside the CPU's torch its compiled operators do not load, and its
import fails on one private module that describes them. The transforms, which is all that processors of video need,
are plain Python and work without. Where torchvision imports by itself nothing is touched.
"""

from __future__ import annotations

import importlib
import sys
import types
import warnings

from thud.errors import MissingPart

DESCRIPTIONS = "torchvision._meta_registrations"


def mend_torchvision() -> str:
    """ "native", or "shim" after leaving the compiled operators out. To be called before transformers is imported.

    Raises MissingPart when torchvision is not installed, or cannot be used even so.
    """
    if "torchvision" in sys.modules:
        return "shim" if not hasattr(sys.modules.get(DESCRIPTIONS), "torch") else "native"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module("torchvision")
            return "native"
        except ImportError as error:
            raise MissingPart("torchvision is not installed. Run: pip install -r requirements.txt") from error
        except RuntimeError as error:
            return _without_operators(error)


def _without_operators(error: RuntimeError) -> str:
    torch = importlib.import_module("torch")
    if torch.version.cuda is not None:  # on a GPU a torchvision that does not fit is a mistake to be mended for good
        raise MissingPart(f"torchvision does not fit the installed torch ({error}). Install the pair again.") from error
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    sys.modules[DESCRIPTIONS] = types.ModuleType(DESCRIPTIONS)
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError) as again:
        raise MissingPart(f"torchvision cannot be used: {again}. Run: pip install -r requirements.txt") from again
    return "shim"
