"""Does Python's onnxruntime measure on a bundle what its report says?

    python scripts/verify-python.py BUNDLE LABELLED --reference MODEL.onnx [--json]

LABELLED is what was given to --eval: a .json that describes raw images, an .npz, or a folder of images of the model's size with
a labels.csv. Prints top-1, and agreement and SQNR of the outputs with the float model's, by onnxruntime and by the report, and the CPU.
The session is that of the bundle's sample/run.py. Needs onnxruntime and numpy (and Pillow).
"""

import argparse
import csv
import importlib.util
import json
import pathlib
import platform

import numpy as np
import onnxruntime as ort


def cpu():
    """Name of the CPU, and whether it multiplies bytes exactly; None where that cannot be told."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine(), None
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", "").split()
    return fields.get("model name", platform.machine()), any("vnni" in flag for flag in flags) if flags else None


def preprocess(pixels, spec):
    """uint8 pictures (N, H, W, C) in RGB to what the model is fed: value = (pixel * scale - mean) / std."""
    if spec["color"] == "BGR":
        pixels = pixels[..., ::-1]
    x = (pixels.astype(np.float64) * spec["scale"] - np.array(spec["mean"])) / np.array(spec["std"])
    x = x.astype(np.float32)
    return x.transpose(0, 3, 1, 2) if spec["layout"] == "NCHW" else x


def raw(path):
    about = json.loads(path.read_text())
    pixels = np.fromfile(path.parent / about["images"], np.uint8).reshape(about["shape"])
    labels = np.fromfile(path.parent / about["labels"], about.get("labelDtype", "uint8"))
    return pixels, labels


def folder(path):
    from PIL import Image

    rows = list(csv.DictReader((path / "labels.csv").open(encoding="utf-8")))
    pixels = np.stack([np.asarray(Image.open(path / row["file"]).convert("RGB")) for row in rows])
    return pixels, np.array([int(row["label"]) for row in rows])


def load(path, manifest, given):
    """What the inputs of the bundle are fed, and those of the float model, which may want other numbers; and the labels."""
    if path.suffix == ".npz":
        arrays = dict(np.load(path))
        labels = arrays.pop("labels")
    else:
        pixels, labels = raw(path) if path.suffix == ".json" else folder(path)
        arrays = {manifest["inputs"][0]["name"]: pixels}
    float_arrays = dict(arrays)
    for tensor in manifest["inputs"]:
        name = tensor["name"]
        array = arrays[name]
        if array.dtype != np.uint8 or tensor["dtype"] == "uint8":
            continue
        spec = tensor["preprocess"]
        arrays[name] = preprocess(array, spec).astype(tensor["targetDtype"])
        original = {**given.get("*", {}), **given.get(name, {})}
        normal = {key: original.get(key, neutral) for key, neutral in (("scale", 1), ("mean", 0), ("std", 1))}
        float_arrays[name] = preprocess(array, {**spec, **normal})
    return arrays, float_arrays, labels


def session_of(bundle):
    """The session that the bundle's own sample program makes."""
    spec = importlib.util.spec_from_file_location("sample", bundle / "sample" / "run.py")
    sample = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sample)
    return sample.load()


def run(session, arrays):
    fixed = any(isinstance(i.shape[0], int) for i in session.get_inputs())
    count = len(next(iter(arrays.values())))
    size = 1 if fixed else 32
    parts = []
    for at in range(0, count, size):
        parts.append(session.run(None, {name: a[at : at + size] for name, a in arrays.items()})[0])
    return np.concatenate(parts).astype(np.float64)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("labelled", type=pathlib.Path)
    parser.add_argument("--reference", type=pathlib.Path, required=True, help="the float model")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    manifest = json.loads((args.bundle / "manifest.json").read_text())
    report = json.loads((args.bundle / "report.json").read_text())
    given = json.loads((args.bundle / "recipe.json").read_text()).get("input", {})
    arrays, float_arrays, labels = load(args.labelled, manifest, given.get("inputs", {}))
    labels = labels.astype(np.int64) + given.get("labelOffset", 0)
    got = run(session_of(args.bundle), arrays)
    reference = ort.InferenceSession(str(args.reference), providers=["CPUExecutionProvider"])
    want = run(reference, float_arrays)
    noise = float(((got - want) ** 2).sum())
    name, vnni = cpu()

    def best(scores):
        return scores.reshape(len(labels), -1).argmax(1)

    def percent(right):
        return 100 * float(right.mean())

    result = {
        "cpu": name,
        "vnni": vnni,
        "onnxruntime": ort.__version__,
        "samples": len(labels),
        "float": {"top1": percent(best(want) == labels), "reportTop1": report["before"]["accuracy"]["top1"]},
        "int8": {"top1": percent(best(got) == labels), "reportTop1": report["after"]["accuracy"]["top1"]},
        "agreement": percent(best(got) == best(want)),
        "reportAgreement": report["agreement"]["top1"],
        "sqnrDb": 10 * float(np.log10(float((want**2).sum()) / noise)) if noise else 200.0,
        "reportSqnrDb": report["agreement"]["sqnrDb"],
    }
    if args.json:
        print(json.dumps(result))
        return
    print(f"{name}, VNNI: {vnni}; onnxruntime {ort.__version__}; {len(labels)} samples")
    for side in ("float", "int8"):
        print(f"{side:5}  top-1 {result[side]['top1']:.2f} %   report {result[side]['reportTop1']:.2f} %")
    print(f"agrees {result['agreement']:.2f} %         report {result['reportAgreement']:.2f} %")
    print(f"SQNR   {result['sqnrDb']:.2f} dB      report {result['reportSqnrDb']:.2f} dB")


main()
