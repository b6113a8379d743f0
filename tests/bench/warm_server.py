"""Starts the real app over and over without paying for its imports each time: they are done once, then it forks.

Commands on standard input, one a line: a JSON list of app.py's arguments starts a server and prints its PID; "kill"
kills it with signal 9 and prints "killed".
"""

from __future__ import annotations

import json
import os
import signal
import sys


def main() -> None:
    import gradio  # noqa: F401  what takes the time

    import app
    import thud.events.desk  # noqa: F401
    import ui.routes  # noqa: F401
    import ui.serve  # noqa: F401

    child = 0
    for line in sys.stdin:
        if line.strip() == "kill":
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            answer = "killed"
        else:
            child = os.fork()
            if child == 0:
                sys.stdin.close()
                os._exit(app.main(json.loads(line)))
            answer = str(child)
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
