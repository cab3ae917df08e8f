"""Lays what a target's runtime gave beside the float model and the studio's preview; prints one JSON document.

    python figures.py FLOAT.npz PREVIEW.npz GOT.npz [LABELS.npz]
"""

import json
import sys

import numpy as np


def paired(want, got):
    """Arrays of `want` with those of `got`: by name, where it was kept, else by position."""
    for i, name in enumerate(want.files):
        other = got[name] if name in got.files else got[got.files[i]] if i < len(got.files) else None
        if other is None or other.size != want[name].size:
            raise SystemExit(f"{name}: {None if other is None else other.shape} came for {want[name].shape}")
        yield want[name].astype(np.float64), other.reshape(want[name].shape).astype(np.float64)


def sqnr(pairs):
    signal = sum((a**2).sum() for a, _ in pairs)
    noise = sum(((a - b) ** 2).sum() for a, b in pairs)
    return float(min(200.0, 10 * np.log10(signal / noise))) if noise else 200.0


def best(x):
    return x.reshape(len(x), -1).argmax(-1)


def same_best(pairs):
    """Percent of samples whose best class is the same, over the first output that has classes."""
    for a, b in pairs:
        if a[0].size > 1:
            return float(100 * (best(a) == best(b)).mean())
    return None


exact, preview, got = (np.load(path) for path in sys.argv[1:4])
against_float, against_preview = list(paired(exact, got)), list(paired(preview, got))
finite = all(np.isfinite(b).all() for _, b in against_float)
constant = any(b.size > 1 and np.ptp(b) == 0 and np.ptp(a) > 0 for a, b in against_float)
result = {
    "sqnrDb": sqnr(against_float),
    "agreement": same_best(against_float),
    "previewDb": sqnr(against_preview),
    "preview": same_best(against_preview),
    "equal": float(100 * np.mean(np.concatenate([np.isclose(a, b, rtol=1e-5, atol=1e-6).ravel() for a, b in against_preview]))),
    "ran": finite and not constant,
}
if len(sys.argv) > 4:
    labels = np.load(sys.argv[4])["labels"]
    for a, b in against_float[:1]:
        result["float"] = int((best(a) == labels).sum())
        result["right"] = int((best(b) == labels).sum())
        result["samples"] = len(labels)
print(json.dumps(result))
