// TVM: the model as ONNX, and the script that compiles it through Relax.
import { outFile, utf8 } from '../base/bytes.ts'
import { encodeOnnx } from './onnx.ts'
import type { Exporter } from './types.ts'

export const tvm: Exporter = {
  id: 'tvm',
  label: 'TVM',
  write: async (model, _target, { bytes }) => {
    const files = encodeOnnx(model, bytes)
    const [main, data] = files
    return {
      files,
      roles: { model: main.path, ...(data ? { data: data.path } : {}) },
      notes: [],
      around: [outFile('compile.py', utf8(script))],
      howToRun,
    }
  },
}

const howToRun = `\`\`\`
pip install apache-tvm onnx numpy
python compile.py llvm     # writes model.so, and runs it on the golden input
\`\`\``

const script = `"""Compiles model.onnx with TVM and compares with the golden output. python compile.py [TARGET]"""
import pathlib
import sys

import numpy as np
import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

here = pathlib.Path(__file__).resolve().parent
module = from_onnx(onnx.load(here / "model.onnx"), keep_params_in_input=False)
module = relax.transform.DecomposeOpsForInference()(module)
library = tvm.compile(module, target=sys.argv[1] if len(sys.argv) > 1 else "llvm")
library.export_library(str(here / "model.so"))

machine = relax.VirtualMachine(library, tvm.cpu())
golden = np.load(here / "golden" / "inputs.npz")
names = [p.name_hint for p in module["main"].params]
results = machine["main"](*[tvm.runtime.tensor(golden[name]) for name in names])
results = [results] if hasattr(results, "numpy") else list(results)
expected = np.load(here / "golden" / "outputs.npz")
for name, got in zip(expected.files, results):
    print(name, got.numpy().shape, "largest difference", np.abs(got.numpy() - expected[name]).max())
`
