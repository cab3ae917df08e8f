"""Lays what a target's runtime gave beside the float model and the studio's preview; prints one JSON document.

    python figures.py COMMON PREVIEW.npz GOT.npz       a model's outputs; COMMON has float.npz, task.json and, where there are any, labels.json
    python figures.py WEIGHTS.npz GOT.npz              a file of weights, by name
"""

import json
import os
import sys

import numpy as np


def laid_beside(want, got):
    """Arrays of `got`, of as many samples, in the names and shapes of `want`: by name, where it was kept, else by position."""
    found = {}
    for i, name in enumerate(want.files):
        other = got[name] if name in got.files else got[got.files[i]] if i < len(got.files) else None
        other = None if other is None else other[: len(want[name])]
        if other is None or other.size != want[name].size:
            raise SystemExit(f"{name}: {None if other is None else other.shape} came for {want[name].shape}")
        found[name] = other.reshape(want[name].shape).astype(np.float64)
    return found


def sqnr(want, got):
    signal = sum((want[k] ** 2).sum() for k in want)
    noise = sum(((want[k] - got[k]) ** 2).sum() for k in want)
    return float(min(200.0, 10 * np.log10(signal / noise))) if noise else 200.0


def answers(task, outputs):
    """What each sample's outputs say: the best class, or a line of text with repeats joined, and blanks and spaces left out."""
    if task["kind"] is None:
        return None
    scores = outputs[task["output"]]
    if task["kind"] == "classify":
        return scores.reshape(len(scores), -1).argmax(-1).tolist()
    characters = ["", *task["characters"].replace("\r", "").rstrip("\n").split("\n"), " "]
    symbols = [[s for i, s in enumerate(path) if i == 0 or s != path[i - 1]] for path in scores.argmax(-1)]
    return [without_spaces("".join(characters[s] for s in path)) for path in symbols]


def without_spaces(line):
    return "".join(line.split())


def same(a, b):
    return None if a is None else 100 * sum(x == y for x, y in zip(a, b)) / len(a)


def of_outputs(common, preview, got):
    exact = {k: v.astype(np.float64) for k, v in np.load(os.path.join(common, "float.npz")).items()}
    task = json.load(open(os.path.join(common, "task.json")))
    given = laid_beside(np.load(os.path.join(common, "float.npz")), np.load(got))
    # Of the first samples only.
    previewed = {k: v.astype(np.float64) for k, v in np.load(preview).items()}
    first = laid_beside(np.load(preview), np.load(got))
    wanted, seen, ours, seen_first = (answers(task, arrays) for arrays in (exact, given, previewed, first))
    constant = any(exact[k].size > 1 and np.ptp(given[k]) == 0 and np.ptp(exact[k]) > 0 for k in exact)
    close = [np.isclose(previewed[k], first[k], rtol=1e-5, atol=1e-6).ravel() for k in previewed]
    result = {
        "sqnrDb": sqnr(exact, given),
        "agreement": same(wanted, seen),
        "previewDb": sqnr(previewed, first),
        "preview": same(ours, seen_first),
        "equal": float(100 * np.mean(np.concatenate(close))),
        "ran": bool(all(np.isfinite(v).all() for v in given.values()) and not constant),
        "count": len(next(iter(exact.values()))),
    }
    labels = os.path.join(common, "labels.json")
    if os.path.exists(labels) and wanted is not None:
        labels = [without_spaces(label) if isinstance(label, str) else label for label in json.load(open(labels))]
        right = [sum(a == b for a, b in zip(said, labels)) for said in (wanted, seen)]
        result |= {"float": right[0], "right": right[1], "samples": len(labels)}
    return result


def of_weights(weights, got):
    want, read = np.load(weights), np.load(got)
    missing = [name for name in want.files if name not in read.files]
    if missing:
        raise SystemExit(f"{len(missing)} tensors are missing, among them {missing[0]}")
    exact = {k: v.astype(np.float64) for k, v in want.items()}
    given = {k: read[k].reshape(v.shape).astype(np.float64) for k, v in exact.items()}
    figures = {"sqnrDb": sqnr(exact, given), "ran": bool(all(np.isfinite(v).all() for v in given.values()))}
    return figures | {"tensors": len(exact), "agreement": None, "preview": None}


print(json.dumps(of_weights(*sys.argv[1:]) if len(sys.argv) == 3 else of_outputs(*sys.argv[1:])))
