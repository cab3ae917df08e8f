// TVM: the model as ONNX, and the script that compiles it through Relax.
import { outFile, utf8 } from '../base/bytes.ts'
import { encodeOnnx } from './onnx.ts'
import { pythonProgram, pythonSaid } from './sample/python.ts'
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
      around: [outFile('sample/run.py', utf8(program))],
      howToRun,
    }
  },
}

const howToRun = `\`\`\`
pip install apache-tvm onnx numpy
python sample/run.py       # compiles to model.so, once, and runs it
\`\`\`

${pythonSaid} Set \`TVM_TARGET\` for another processor than this one.`

const program = pythonProgram({
  packages: 'apache-tvm onnx',
  imports: `import os

import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx`,
  body: `
library = here / "model.so"


def compiled():
    module = from_onnx(onnx.load(here / manifest["files"]["model"]), keep_params_in_input=False)
    module = relax.transform.DecomposeOpsForInference()(module)
    tvm.compile(module, target=os.environ.get("TVM_TARGET", "llvm")).export_library(str(library))


def load():
    if not library.exists():
        compiled()
    return relax.VirtualMachine(tvm.runtime.load_module(str(library)), tvm.cpu())


def infer(session, feeds):
    given = [feeds[t["name"]].astype(t["targetDtype"]) for t in manifest["inputs"]]
    results = session["main"](*[tvm.runtime.tensor(x) for x in given])
    results = [results] if hasattr(results, "numpy") else list(results)
    return {t["name"]: result.numpy() for t, result in zip(manifest["outputs"], results)}

`,
})
