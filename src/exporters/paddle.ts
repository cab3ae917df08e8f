// Paddle: a .pdmodel and its .pdiparams, which Paddle's inference takes and Paddle Lite's opt makes a .nb of. Floats alone.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { inOrder, parameterHead, writePaddle } from '../formats/paddle.ts'
import type { Bytes } from '../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import { infer } from '../ops/infer.ts'
import { type Parameter, type Planned, planPaddle } from './paddle/plan.ts'
import { refused } from './refused.ts'
import { pythonProgram, pythonSaid } from './sample/python.ts'
import type { Edge, Exporter } from './types.ts'

export const paddle: Exporter = {
  id: 'paddle',
  label: 'Paddle',
  check: model => [...planPaddle(infer(model)).problems],
  write: async (given, _target, { bytes }) => {
    const model = infer(given)
    const planned = planPaddle(model)
    if (planned.problems.length > 0) throw refused(planned.problems)
    const params: OutFile = { path: 'model.pdiparams', chunks: () => parametersOf(planned.parameters, bytes) }
    return {
      files: [outFile('model.pdmodel', writePaddle(planned.program)), params],
      roles: { model: 'model.pdmodel', params: params.path },
      notes: [
        'Run it with oneDNN off: with it on, Paddle 3.3.1 stopped or hung on such programs where this was tried.',
      ],
      edges: edgesOf(model, planned),
      around: [outFile('sample/run.py', utf8(program))],
      howToRun,
    }
  },
}

async function* parametersOf(parameters: readonly Parameter[], bytes: Bytes): AsyncIterable<Uint8Array> {
  for (const { tensor } of inOrder(parameters)) {
    yield parameterHead(tensor.dtype, tensor.shape)
    yield await bytes.read(tensor)
  }
}

/** Inputs and outputs whose names had to change. */
function edgesOf({ graph }: Model, { names }: Planned): Record<ValueName, Edge> {
  const all = [...requiredInputs(graph), ...graph.outputs]
  return Object.fromEntries(
    all.flatMap((value): [ValueName, Edge][] => {
      const name = names.get(value)!
      const { dtype, shape } = graph.values.get(value)!
      if (name === value) return []
      return [
        [value, { name, shape: shape ?? [], layout: null, dtype: dtype ?? 'float32', scale: null, zeroPoint: null }],
      ]
    }),
  )
}

const howToRun = `\`\`\`
pip install paddlepaddle numpy && python sample/run.py
paddle_lite_opt --model_file=model.pdmodel --param_file=model.pdiparams --optimize_out=model --valid_targets=arm
\`\`\`

${pythonSaid} The second line makes \`model.nb\` for phones, with \`pip install paddlelite\` on Python 3.7; that has not been tried.
Run the model with oneDNN off, as the program does.`

const program = pythonProgram({
  packages: 'paddlepaddle',
  imports: 'import paddle.inference as paddle',
  body: `
def load():
    files = manifest["files"]
    configuration = paddle.Config(str(here / files["model"]), str(here / files["params"]))
    configuration.disable_glog_info()
    # Fused kernels of oneDNN stopped or hung here with such models in Paddle 3.3.1; its own are right.
    configuration.disable_mkldnn()
    return paddle.create_predictor(configuration)


def infer(session, feeds):
    for tensor in manifest["inputs"]:
        session.get_input_handle(tensor["targetName"]).copy_from_cpu(feeds[tensor["name"]].astype(tensor["targetDtype"]))
    session.run()
    # Outputs are known by their order.
    names = session.get_output_names()
    return {t["name"]: session.get_output_handle(name).copy_to_cpu() for t, name in zip(manifest["outputs"], names)}

`,
})
