// sample/run.py: one frame for every target whose users write Python. A target says how a session is made and run; what comes before and
// after is the same everywhere, and follows from the manifest's input spec.

export interface PythonRuntime {
  /** What pip installs beside numpy. */
  packages: string
  imports: string
  /** `load()` gives a session; `infer(session, feeds)` outputs by their names in the source model, as `feeds` are. */
  body: string
}

export const pythonProgram = ({
  packages,
  imports,
  body,
}: PythonRuntime): string => `"""Runs the bundle's model. pip install ${packages} numpy

    python sample/run.py                        the golden input, compared with the golden output
    python sample/run.py picture.png            a picture, prepared as the manifest says (pip install pillow or opencv-python)
    python sample/run.py --runs 100 --threads 4

Each prints what a run takes, and how many runs a second several threads make together.
"""
import argparse
import json
import pathlib
import statistics
import threading
import time

import numpy as np
${imports}

here = pathlib.Path(__file__).resolve().parent.parent
manifest = json.loads((here / "manifest.json").read_text())

${body}

def reader(like):
    """How pictures are read, made grey and scaled: as Pillow does it, or as OpenCV."""
    if like == "opencv":
        import cv2

        modes = dict(nearest=cv2.INTER_NEAREST, bilinear=cv2.INTER_LINEAR, bicubic=cv2.INTER_CUBIC, area=cv2.INTER_AREA)
        whole = np.ascontiguousarray
        return (
            lambda path: cv2.imread(str(path))[..., ::-1],
            lambda x: cv2.cvtColor(whole(x), cv2.COLOR_RGB2GRAY),
            lambda x, w, h, mode: cv2.resize(whole(x), (w, h), interpolation=modes[mode]).reshape(h, w, -1),
        )
    from PIL import Image

    modes = dict(nearest=Image.NEAREST, bilinear=Image.BILINEAR, bicubic=Image.BICUBIC, area=Image.BOX)
    image = lambda x: Image.fromarray(x[..., 0] if x.shape[2] == 1 else np.ascontiguousarray(x))
    return (
        lambda path: np.asarray(Image.open(path).convert("RGB")),
        lambda x: np.asarray(image(x).convert("L")),
        lambda x, w, h, mode: np.asarray(image(x).resize((w, h), modes[mode])).reshape(h, w, -1),
    )


def fitted(x, how, scale, pad):
    """A picture in the size that the model wants."""
    (height, width), (h, w) = how["size"], x.shape[:2]
    sized = lambda w, h: x if x.shape[:2] == (h, w) else scale(x, w, h, how["filter"])
    canvas = lambda h, w: np.full((h, w, x.shape[2]), pad, np.uint8)
    if how["fit"] == "exact":
        return sized(width, height)
    if how["fit"] == "cover":
        by_height = w * height >= h * width
        y = sized(max(width, height * w // h), height) if by_height else sized(width, max(height, width * h // w))
        top, left = round((y.shape[0] - height) / 2), round((y.shape[1] - width) / 2)
        return y[top : top + height, left : left + width]
    if how["fit"] == "letterbox":
        ratio = min(height / h, width / w)
        y = sized(min(width, max(1, int(w * ratio + 0.5))), min(height, max(1, int(h * ratio + 0.5))))
        top, left = (height - y.shape[0]) // 2, (width - y.shape[1]) // 2
        out = canvas(height, width)
        out[top : top + y.shape[0], left : left + y.shape[1]] = y
        return out
    natural = max(1, -(-height * w // h))
    wanted = how.get("max", max(natural, width))
    out = canvas(height, wanted)
    out[:, :natural] = sized(natural, height)[:, :wanted]
    return out


def preprocess(path, tensor):
    """A picture as the source model's input is fed: (pixel * scale - mean) / std, channels in the order of the spec."""
    spec = tensor["preprocess"]
    how = spec.get("resize")
    read, gray, scale = reader(how["like"] if how else "pil")
    x = read(path)
    x = {"RGB": lambda: x, "BGR": lambda: x[..., ::-1], "GRAY": lambda: gray(x)[..., None]}[spec["color"]]()
    if how:
        x = fitted(x, how, scale, spec["pad"])
    x = (x.astype(np.float64) * spec["scale"] - np.array(spec["mean"])) / np.array(spec["std"])
    x = x.astype(np.float32)
    return (x.transpose(2, 0, 1) if spec["layout"] == "NCHW" else x)[None]


def compared(outputs):
    """Each output against the golden one."""
    expected = np.load(here / "golden" / "outputs.npz")
    for name, got in outputs.items():
        want = expected[name].astype(np.float64)
        noise = float(((got.reshape(want.shape) - want) ** 2).sum())
        db = 10 * np.log10(float((want**2).sum()) / noise) if noise else float("inf")
        print(f"{name}: shape {got.shape}, {db:.1f} dB against the golden output")


def told(outputs):
    """The largest values of each output and where they are: for a classifier its best classes."""
    for name, got in outputs.items():
        flat = got.reshape(-1)
        best = np.argsort(-flat)[:5]
        print(f"{name}: shape {got.shape}, largest " + ", ".join(f"[{i}] {flat[i]:.4g}" for i in best))


def latency(run, runs):
    """Milliseconds of the median run and of the one that nine of ten are faster than; the first ones warm up."""
    for _ in range(3):
        run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    print(f"one run: median {statistics.median(times):.2f} ms, 90th percentile {times[int(0.9 * (runs - 1))]:.2f} ms")


def together(feeds, threads, runs):
    """Several threads, each with a session of its own."""
    sessions = [load() for _ in range(threads)]

    def work(session):
        for _ in range(runs):
            infer(session, feeds)

    workers = [threading.Thread(target=work, args=(session,)) for session in sessions]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"{threads} threads: {threads * runs / (time.perf_counter() - start):.1f} runs a second")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("picture", nargs="?")
    arguments.add_argument("--runs", type=int, default=10)
    arguments.add_argument("--threads", type=int, default=2)
    asked = arguments.parse_args()
    if asked.picture:
        feeds = {tensor["name"]: preprocess(asked.picture, tensor) for tensor in manifest["inputs"]}
    else:
        feeds = dict(np.load(here / "golden" / "inputs.npz"))
    session = load()
    outputs = infer(session, feeds)
    (told if asked.picture else compared)(outputs)
    if asked.runs > 0:
        latency(lambda: infer(session, feeds), asked.runs)
        if asked.threads > 1:
            together(feeds, asked.threads, asked.runs)
    # What a session holds is released with it.
    del session


if __name__ == "__main__":
    main()
`

/** For README: what the program does, whatever runs it. */
export const pythonSaid =
  '`sample/run.py` runs `golden/inputs.npz` and compares with `golden/outputs.npz`; the golden input is synthetic. Given a picture it prepares that as the manifest says. It also prints what a run takes, and what several threads make together.'
