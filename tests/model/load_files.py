"""Load model files in a process of its own under a limit of memory; a line of JSON for each.

Arguments: the limit in bytes, files.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from digitsort.errors import ModelError
from digitsort.model.reading import load_model


def main(limit: int, paths: list[str]) -> None:
    """Load each file; says how it ended, its processor time, and how much more memory it took."""
    load_model(paths[0])  # the first one is good: whatever is loaded late is loaded
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for path in paths:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        try:
            load_model(path)
            outcome = "loaded"
        except ModelError as error:
            outcome = str(error)
        took = time.process_time() - started
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(json.dumps({"path": path, "outcome": outcome, "seconds": took, "kib": more}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
