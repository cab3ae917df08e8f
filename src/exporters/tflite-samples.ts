// What stands beside a .tflite file for the person who runs it with LiteRT.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'

export const runnerFiles = (): OutFile[] => [outFile('sample/run.py', utf8(python))]

export const runnerHowToRun = `\`\`\`
pip install ai-edge-litert numpy && python sample/run.py
\`\`\`

It runs \`golden/inputs.npz\` and compares with \`golden/outputs.npz\`; the golden input is synthetic. LiteRT's optimised kernels round
some steps otherwise than its reference kernels, by a few units of the last place.`

const python = `"""Runs the bundle's model on the golden input and compares with the golden output."""
import json
import pathlib

import numpy as np
from ai_edge_litert.interpreter import Interpreter

here = pathlib.Path(__file__).resolve().parent.parent
manifest = json.loads((here / "manifest.json").read_text())
interpreter = Interpreter(model_path=str(here / manifest["files"]["model"]))
interpreter.allocate_tensors()


def details(of, tensor):
    return next(d for d in of if d["name"] == tensor["targetName"])


def to_target(x, tensor):
    """From the source model's layout and floats to what the file's input is."""
    shape = tensor["targetShape"]
    if tensor["targetLayout"] == "NHWC" and list(x.shape) != shape:
        x = x.transpose(0, 2, 3, 1)
    if tensor["scale"] is not None and np.issubdtype(x.dtype, np.floating):
        limits = np.iinfo(tensor["targetDtype"])
        x = np.clip(np.round(x / tensor["scale"]) + tensor["zeroPoint"], limits.min, limits.max)
    return x.astype(tensor["targetDtype"]).reshape(shape)


def from_target(y, tensor, like):
    """And back, for an output."""
    if tensor["scale"] is not None:
        y = (y.astype(np.float32) - tensor["zeroPoint"]) * np.float32(tensor["scale"])
    if y.ndim == 4 and y.shape != like.shape:
        y = y.transpose(0, 3, 1, 2)
    return y.reshape(like.shape)


inputs = np.load(here / "golden" / "inputs.npz")
expected = np.load(here / "golden" / "outputs.npz")
for tensor in manifest["inputs"]:
    index = details(interpreter.get_input_details(), tensor)["index"]
    interpreter.set_tensor(index, to_target(inputs[tensor["name"]], tensor))
interpreter.invoke()
for tensor in manifest["outputs"]:
    want = expected[tensor["name"]].astype(np.float64)
    got = from_target(interpreter.get_tensor(details(interpreter.get_output_details(), tensor)["index"]), tensor, want)
    noise = float(((got - want) ** 2).sum())
    db = 10 * np.log10(float((want**2).sum()) / noise) if noise else float("inf")
    print(f"{tensor['name']}: shape {got.shape}, {db:.1f} dB against the golden output")
`
