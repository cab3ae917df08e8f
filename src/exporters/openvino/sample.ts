// What stands beside an OpenVINO model for the person who runs it, in Python and in C++.
import type { ImageInput } from '../../data/input-spec.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import { cppArguments, cppIncludes, cppMeasuring, filling, pictureInput, preparation } from '../sample/native.ts'
import { pythonProgram, pythonSaid } from '../sample/python.ts'

export const howToRun = `\`\`\`
pip install openvino numpy && python sample/run.py
c++ -std=c++17 -O2 sample/run.cpp -I$OPENVINO/include -L$OPENVINO/lib -lopenvino -pthread -o run && ./run model.xml
\`\`\`

${pythonSaid} Without the hint for float32 the
runtime may compute the layers that are left in floats in bfloat16, which costs accuracy.`

export const runPython = pythonProgram({
  packages: 'openvino',
  imports: 'import openvino as ov',
  body: `
def load():
    """A session. Other devices: "GPU", "NPU"."""
    model = here / manifest["files"]["model"]
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def infer(session, feeds):
    inputs = {t["targetName"]: feeds[t["name"]].astype(t["targetDtype"]) for t in manifest["inputs"]}
    results = session(inputs)
    wanted = {t["targetName"]: t["name"] for t in manifest["outputs"]}
    found = {}
    for port in session.outputs:
        for name in port.get_names() & wanted.keys():
            found[wanted[name]] = results[port]
    return found

`,
})

/** The first input that takes a picture is fed one; all others are zeros. */
export function runCpp({ graph }: Model, preprocess: Readonly<Record<ValueName, ImageInput>>): string {
  const inputs = requiredInputs(graph).map(name => {
    const shape = (graph.values.get(name)?.shape ?? []).map(d => (typeof d === 'number' && d > 0 ? d : 1))
    const picture = graph.values.get(name)?.dtype === 'float32' ? pictureInput(preprocess[name] ?? null, shape) : null
    return { name, shape, picture }
  })
  const pictured = inputs.find(({ picture }) => picture !== null)
  const feeding = inputs.map(({ name, shape, picture }, k) => {
    const set = `  request.set_input_tensor(${k}, tensor${k});`
    const made = `  ov::Tensor tensor${k}(model.input(${JSON.stringify(name)}).get_element_type(), ov::Shape{${shape.join(', ')}});
  std::fill_n(static_cast<char *>(tensor${k}.data()), tensor${k}.get_byte_size(), 0);`
    const filled = `  fill(pixels.data(), [&](int at, float value) { tensor${k}.data<float>()[at] = value; });`
    return picture && pictured?.name === name ? `${made}\n${filled}\n${set}` : `${made}\n${set}`
  })
  return `// Runs the model on a picture, or zeros where it takes none, prints the first numbers of each output, and measures it.
// c++ -std=c++17 -O2 sample/run.cpp -I$OPENVINO/include -L$OPENVINO/lib -lopenvino -pthread -o run
// ./run model.xml [PICTURE.ppm] [RUNS] [THREADS]
${cppIncludes}

#include <openvino/openvino.hpp>

${cppMeasuring}
${pictured?.picture ? `${preparation(pictured.picture)}${filling(pictured.picture.spec.layout)}` : ''}
// A request with its inputs filled; each thread needs one of its own.
ov::InferRequest filled(ov::CompiledModel &model, const std::vector<unsigned char> &pixels) {
  ov::InferRequest request = model.create_infer_request();
  (void)pixels;
${feeding.join('\n')}
  return request;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: run MODEL.xml [PICTURE.ppm] [RUNS] [THREADS]\\n");
    return 2;
  }
${cppArguments(pictured !== undefined)}

  ov::Core core;
  ov::CompiledModel model = core.compile_model(argv[1], "CPU", ov::hint::inference_precision(ov::element::f32));
  ov::InferRequest request = filled(model, pixels);
  request.infer();
  for (const auto &port : model.outputs()) {
    const ov::Tensor tensor = request.get_tensor(port);
    std::printf("%s:", port.get_any_name().c_str());
    if (tensor.get_element_type() == ov::element::f32)
      for (size_t i = 0; i < tensor.get_size() && i < 10; i++) std::printf(" %g", tensor.data<float>()[i]);
    std::printf("\\n");
  }
  measure([&] { request.infer(); }, runs);
  std::vector<Run> each;
  for (int i = 0; i < threads; i++) {
    auto own = std::make_shared<ov::InferRequest>(filled(model, pixels));
    each.push_back([own] { own->infer(); });
  }
  together(each, runs);
  // Requests, model and core are released as they go out of scope.
  return 0;
}
`
}
