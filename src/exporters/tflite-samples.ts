// What stands beside a .tflite file for the person who runs it with LiteRT.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { pythonProgram, pythonSaid } from './sample/python.ts'

export const runnerFiles = (): OutFile[] => [outFile('sample/run.py', utf8(python))]

export const runnerHowToRun = `\`\`\`
pip install ai-edge-litert numpy && python sample/run.py
\`\`\`

${pythonSaid} LiteRT's optimised kernels round
some steps otherwise than its reference kernels, by a few units of the last place.`

const python = pythonProgram({
  packages: 'ai-edge-litert',
  imports: 'from ai_edge_litert.interpreter import Interpreter',
  body: `
def load():
    """A session; num_threads= makes one run faster."""
    interpreter = Interpreter(model_path=str(here / manifest["files"]["model"]))
    interpreter.allocate_tensors()
    return interpreter


def index(details, tensor):
    return next(d for d in details if d["name"] == tensor["targetName"])["index"]


def to_target(x, tensor):
    """From the source model's layout and floats to what the file's input is."""
    shape = tensor["targetShape"]
    if tensor["targetLayout"] == "NHWC" and list(x.shape) != shape:
        x = x.transpose(0, 2, 3, 1)
    if tensor["scale"] is not None and np.issubdtype(x.dtype, np.floating):
        limits = np.iinfo(tensor["targetDtype"])
        x = np.clip(np.round(x / tensor["scale"]) + tensor["zeroPoint"], limits.min, limits.max)
    return x.astype(tensor["targetDtype"]).reshape(shape)


def from_target(y, tensor):
    """And back, for an output."""
    if tensor["scale"] is not None:
        y = (y.astype(np.float32) - tensor["zeroPoint"]) * np.float32(tensor["scale"])
    source = [n if isinstance(n, int) else m for n, m in zip(tensor["shape"] or y.shape, y.shape)]
    if y.ndim == 4 and tensor["targetLayout"] == "NHWC" and list(y.shape) != source:
        y = y.transpose(0, 3, 1, 2)
    return y


def infer(session, feeds):
    for tensor in manifest["inputs"]:
        session.set_tensor(index(session.get_input_details(), tensor), to_target(feeds[tensor["name"]], tensor))
    session.invoke()
    details = session.get_output_details()
    return {t["name"]: from_target(session.get_tensor(index(details, t)), t) for t in manifest["outputs"]}

`,
})
