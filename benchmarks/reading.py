"""Measure the time and memory to read a model of 3,000 support vectors, beside `pickle.load`.

    python -m benchmarks.reading

Each reader gets processes of its own; times are of the processor. The first load is that of a process
that has imported nothing but numpy; the others come after it in the same process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from digitsort import Model, default_model
from digitsort.model.card import fingerprint
from digitsort.model.estimator import rebuild, to_bytes

VECTORS = 3_000
ROUNDS = 5

PROGRAM = """
import json, resource, sys, time
import numpy
def peak():
    try:  # of this process alone; getrusage starts from what the parent had
        status = open("/proc/self/status").read()
        return int(status.split("VmHWM:")[1].split()[0])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, times = peak(), []
for _ in range(11):
    started = time.process_time()
    {load}
    times.append(time.process_time() - started)
later = sorted(times[1:])
print(json.dumps([times[0], later[0], later[5], peak() - before, "sklearn" in sys.modules]))
"""

READERS = {
    "digitsort": "from digitsort.model.reading import load_model; load_model(sys.argv[1])",
    "pickle.load": "import pickle; pickle.load(open(sys.argv[1], 'rb'))",
}


def enlarged(model: Model, count: int) -> bytes:
    """A model file with so many support vectors: those of another one, repeated."""
    k, machine = len(model.class_names), model.machine
    counts = np.full(k, count // k)
    counts[: count % k] += 1
    bigger = replace(
        machine,
        vectors=np.resize(machine.vectors, (count, machine.vectors.shape[1])),
        n_support=counts,
        dual_coef=np.resize(machine.dual_coef, (k - 1, count)),
    )
    card = replace(model.card, support_vectors=count)
    mark = fingerprint(bigger, card.recipe, card.classes, card.thresholds)
    changed = replace(model, machine=bigger, card=replace(card, fingerprint=mark))
    return to_bytes(rebuild(changed), model.known_vectors)


def measure(load: str, path: Path) -> list[float]:
    """First, best and median time in seconds, memory in KiB, and whether scikit-learn was loaded."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM.format(load=load), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(value) for value in json.loads(done.stdout)]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.pkl")
        path.write_bytes(enlarged(default_model(), VECTORS))
        print(f"A model of {VECTORS:,} support vectors, {path.stat().st_size / 2**20:.1f} MiB\n")
        rounds = [{name: measure(load, path) for name, load in READERS.items()} for _ in range(ROUNDS)]
    print("| reader | first load, ms | later: best, ms | median, ms | memory, MiB | scikit-learn |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in READERS:
        first, best, middle, kib, sklearn = (median(r[name][i] for r in rounds) for i in range(5))
        print(
            f"| {name} | {first * 1e3:.0f} | {best * 1e3:.1f} | {middle * 1e3:.1f} | {kib / 1024:.0f} "
            f"| {'loaded' if sklearn else 'not loaded'} |"
        )


if __name__ == "__main__":
    main()
