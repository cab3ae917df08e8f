"""Makes reference.json: what the originals choose on stored histograms.

    python test/calibrate/reference.py MODELOPT.whl ncnn2table.cpp && npx biome format --write test/calibrate

The originals, each run as it is:
  tensorrt     NVIDIA's pytorch-quantization lives on in nvidia-modelopt: the functions of modelopt/torch/quantization/calib/histogram.py
               and _tensor_quant are taken out of the wheel, so that its other dependencies are not needed. Version 0.25.0: later ones
               (0.47.0 looked at) hand fake_tensor_quant the bits where it expects a bias, and their MSE is of something else.
  onnxruntime  HistogramCollector of the installed onnxruntime.quantization.
  ncnn         the loop over thresholds of tools/quantize/ncnn2table.cpp (github.com/Tencent/ncnn, commit 0207b6bc), cut out of the
               file and compiled by g++: the tool itself is in no package.

All are told in bins. Histograms have 2,048: `absolute` of |x| over [0, max|x|], zeros in the first bin; `signed` of x over [-max|x|, max|x|].
Needs numpy, scipy, torch, onnx, onnxruntime, g++.
"""

import ast
import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import types
import zipfile
from collections import Counter

import numpy as np
import onnx
import onnxruntime
import scipy
import torch
from onnxruntime.quantization.calibrate import HistogramCollector
from scipy.stats import entropy

here = pathlib.Path(__file__).parent
BINS = 2048
PERCENTILES = [99, 99.9, 99.99, 99.999, 100]


# --- the originals ---


def functions_of(source, wanted, names):
    body = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name in wanted]
    exec(compile(ast.Module(body, []), "original", "exec"), names)
    return types.SimpleNamespace(**{n: names[n] for n in wanted})


def modelopt(path):
    wheel = zipfile.ZipFile(path)
    read = lambda name: wheel.read(f"modelopt/torch/quantization/{name}").decode()
    names = {"np": np, "torch": torch, "entropy": entropy, "Counter": Counter}
    quantized = functions_of(read("tensor_quant.py"), ["_tensor_quant"], {"torch": torch})._tensor_quant

    def fake_tensor_quant(inputs, amax, num_bits, unsigned):
        """FakeTensorQuantFunction.forward of the same file, its branch for the CPU."""
        outputs, scale = quantized(inputs, amax, num_bits, unsigned)
        return outputs / scale

    names["fake_tensor_quant"] = fake_tensor_quant
    return functions_of(
        read("calib/histogram.py"),
        ["_compute_amax_entropy", "_compute_amax_mse", "_compute_amax_percentile"],
        names,
    )


def tensorrt_of(original, counts, edges):
    bin_of = lambda edge: int(np.argmin(np.abs(edges - float(edge))))
    middle_of = lambda center: int(np.argmin(np.abs((edges[1:] + edges[:-1]) / 2 - float(center))))
    kl = lambda unsigned: original._compute_amax_entropy(counts.copy(), edges, 8, unsigned)
    mse = lambda unsigned: original._compute_amax_mse(counts.copy(), edges, 8, unsigned)
    return {
        "kl": {"signed": bin_of(kl(False)), "unsigned": bin_of(kl(True))},
        "mse": {"signed": middle_of(mse(False)), "unsigned": middle_of(mse(True))},
        "percentile": [bin_of(original._compute_amax_percentile(counts, edges, p)) for p in PERCENTILES],
    }


def onnxruntime_of(absolute, signed, edges, signed_edges):
    everything = np.float32(np.inf)  # smallest and largest element, which the thresholds are held within

    def collected(method, symmetric, percentile=99.99):
        collector = HistogramCollector(method, symmetric, BINS, 128, percentile, "same")
        histogram = (absolute, edges) if symmetric else (signed, signed_edges)
        collector.histogram_dict = {"x": (*histogram, -everything, everything)}
        with contextlib.redirect_stdout(io.StringIO()):
            thresholds = collector.compute_collection_result()["x"][:2]
        low, high = [int(np.argmin(np.abs(histogram[1] - float(t)))) for t in thresholds]
        return high if symmetric else [low, high]

    return {
        "kl": collected("entropy", False),
        "percentile": {
            "symmetric": [collected("percentile", True, p) for p in PERCENTILES],
            "affine": [collected("percentile", False, p) for p in PERCENTILES],
        },
    }


def ncnn_program(path):
    """Thresholds of the histograms on standard input: each line the largest |x| and the counts."""
    source = pathlib.Path(path).read_text()
    divergence = re.search(r"static float compute_kl_divergence.*?\n}\n", source, re.S).group(0)
    start = source.index("// normalize histogram bin")
    loop = source[start : source.index("stat.threshold = (target_threshold", start)]
    last = re.search(r"stat\.threshold = \(target_threshold[^;]*;", source).group(0)
    program = f"""
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <vector>
struct Stat {{ float threshold; float absmax; std::vector<uint64_t> histogram; std::vector<float> histogram_normed; }};
{divergence}
int main() {{
    const int num_histogram_bins = {BINS};
    Stat stat;
    while (scanf("%f", &stat.absmax) == 1) {{
        stat.histogram.assign(num_histogram_bins, 0);
        stat.histogram_normed.assign(num_histogram_bins, 0.f);
        for (auto& n : stat.histogram) {{ unsigned long long c; if (scanf("%llu", &c) != 1) return 1; n = c; }}
        {loop}
        {last}
        printf("%d %.9g\\n", target_threshold, stat.threshold);
    }}
}}
"""
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "kl.cpp").write_text(program)
    subprocess.run(["g++", "-O1", "-o", folder / "kl", folder / "kl.cpp"], check=True)
    return folder / "kl"


def ncnn_of(program, without_zeros, largest):
    line = " ".join([repr(float(largest)), *map(str, without_zeros)])
    bins, threshold = subprocess.run([program], input=line, capture_output=True, text=True, check=True).stdout.split()
    return {"kl": int(bins), "threshold": float(threshold)}


# --- the data ---


def layers_of_digits():
    """Activations of the digit recogniser that Thimble ships, on its own calibration samples."""
    folder = here.parent.parent / "public/samples/digits"
    model = onnx.load(next(folder.glob("*.onnx")))
    names = [n.output[0] for n in model.graph.node if n.op_type in ("Conv", "Relu", "Gemm", "MatMul", "Add")]
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    pixels = np.load(folder / "calibration.npz")["image"][:16].transpose(0, 3, 1, 2)
    image = ((pixels / 255 - 0.1307) / 0.3081).astype(np.float32)
    arrays = session.run(names, {session.get_inputs()[0].name: image})
    return {f"digits {n}": a.ravel() for n, a in list(zip(names, arrays))[:: max(1, len(names) // 4)]}


def datasets():
    rng = np.random.default_rng(20260)
    n = 50_000
    normal = rng.normal(size=n)
    laplace = rng.laplace(size=n)
    yield "normal", normal
    yield "normal, rectified", np.maximum(normal, 0)
    yield "Laplace", laplace
    yield "Laplace, rectified", np.maximum(laplace, 0)
    yield "Laplace with outliers", np.concatenate([laplace, [60.0, -75.0, 300.0]])
    yield "Student's t, 3 degrees", rng.standard_t(3, n)
    yield "uniform", rng.uniform(-1, 1, n)
    yield "log-normal", rng.lognormal(0, 1, n)
    yield "clipped at 6", np.clip(rng.normal(2, 3, n), 0, 6)
    yield "sigmoid", 1 / (1 + np.exp(-3 * normal))
    yield "swish", 3 * laplace / (1 + np.exp(-3 * laplace))
    yield "two heaps", np.concatenate([rng.normal(-4, 0.5, n // 3), rng.normal(9, 1, n // 2)])
    yield "multiples of 1/255", np.round(255 * rng.beta(0.5, 2, n)) / 255
    yield "two hundred elements", rng.normal(size=200)
    yield "all negative", -np.abs(rng.gamma(2, 2, n))
    yield from layers_of_digits().items()


def main():
    torch.set_num_threads(1)
    original, program = modelopt(sys.argv[1]), ncnn_program(sys.argv[2])
    cases = []
    for name, values in datasets():
        data = values.astype(np.float32)
        largest = np.abs(data).max()
        absolute, edges = np.histogram(np.abs(data), BINS, (0, largest))
        signed, signed_edges = np.histogram(data, BINS, (-largest, largest))
        zeros = int((data == 0).sum())
        without_zeros = absolute.copy()
        without_zeros[0] -= zeros
        cases.append(
            {
                "name": name,
                "min": float(data.min()),
                "max": float(data.max()),
                "zeros": zeros,
                "absolute": " ".join(map(str, absolute)),
                "signed": " ".join(map(str, signed)),
                "tensorrt": tensorrt_of(original, absolute, edges.astype(np.float64)),
                "onnxruntime": onnxruntime_of(absolute, signed, *(e.astype(np.float32) for e in (edges, signed_edges))),
                "ncnn": ncnn_of(program, without_zeros, largest),
            }
        )
        print(name, {k: cases[-1][k] for k in ("tensorrt", "onnxruntime", "ncnn")}, file=sys.stderr)
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "torch": torch.__version__, "onnxruntime": onnxruntime.__version__}
    whole = {"versions": versions, "percentiles": PERCENTILES, "cases": cases}
    (here / "reference.json").write_text(json.dumps(whole, indent=2) + "\n")


main()
