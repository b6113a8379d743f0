"""What each of two processes does: SFT to its end; DPO until only process 1 is told to stop; DPO from there on.

`python -m torch.distributed.run --nproc-per-node 2 -m tests.training.two_processes SFT_CONFIG DPO_CONFIG`
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from training import dpo, sft


def main(sft_config: str, dpo_config: str) -> None:
    codes = [sft.main(["--config", sft_config])]
    metrics = Path(dpo_config).with_name("metrics.jsonl")
    if os.environ["RANK"] == "1":
        threading.Thread(target=_stop_after, args=(metrics, 2), daemon=True).start()
    codes += [dpo.main(["--config", dpo_config])]
    if os.environ["RANK"] == "0":  # who wrote the last line knows that it is there
        last = json.loads(metrics.read_text().splitlines()[-1])
        Path(dpo_config).with_name("state.json").write_text(json.dumps(last["state"]))
    codes += [dpo.main(["--config", dpo_config])]
    Path(dpo_config).with_name(f"codes-{os.environ['RANK']}.json").write_text(json.dumps(codes))


def _stop_after(metrics: Path, step: int) -> None:
    while not metrics.exists() or f'"event": "step", "step": {step}' not in metrics.read_text():
        time.sleep(0.005)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
