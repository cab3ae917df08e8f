// What stands beside a .tflite file for microcontrollers: the model as a C array, and a program that runs it.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { bitsOf, elementCount } from '../base/dtype.ts'
import type { NhwcProgram } from './nhwc/types.ts'

export function microFiles(file: Uint8Array, program: NhwcProgram): OutFile[] {
  return [
    outFile('model_data.h', utf8(header)),
    outFile('model_data.cc', utf8(arrayOf(file))),
    outFile('sample/main.cc', utf8(mainOf(program))),
  ]
}

export const microHowToRun = `\`model_data.cc\` is the model as a C array; compile it and \`sample/main.cc\` with TensorFlow Lite for Microcontrollers
(<https://github.com/tensorflow/tflite-micro>). \`sample/main.cc\` registers the operators that the model needs and no others, and says
how large the arena is that it found enough. On a PC, \`pip install tflite-micro numpy\` runs \`model.tflite\` itself:

\`\`\`python
from tflite_micro.python.tflite_micro import runtime
interpreter = runtime.Interpreter.from_file("model.tflite")
\`\`\``

const header = `// The model as an array. Generated.
#ifndef MODEL_DATA_H_
#define MODEL_DATA_H_

extern const unsigned char model_data[];
extern const unsigned int model_data_size;

#endif
`

function arrayOf(file: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < file.length; at += 20)
    lines.push(`  ${Array.from(file.subarray(at, at + 20), byte => `${byte},`).join('')}`)
  return `// The model as an array. Generated.
#include "model_data.h"

alignas(16) const unsigned char model_data[] = {
${lines.join('\n')}
};
const unsigned int model_data_size = ${file.length};
`
}

/** Adders of the operator resolver, where the name is not the operator's in mixed case. */
const adders: Readonly<Record<string, string>> = {
  CONV_2D: 'Conv2D',
  DEPTHWISE_CONV_2D: 'DepthwiseConv2D',
  AVERAGE_POOL_2D: 'AveragePool2D',
  MAX_POOL_2D: 'MaxPool2D',
  BATCH_MATMUL: 'BatchMatMul',
  PADV2: 'PadV2',
}

const adderOf = (kind: string): string =>
  adders[kind] ??
  kind
    .split('_')
    .map(word => word[0] + word.slice(1).toLowerCase())
    .join('')

function mainOf({ tensors, operators, inputs }: NhwcProgram): string {
  const kinds = [...new Set(operators.map(o => o.kind))].sort()
  const bytes = (index: number): number =>
    Math.ceil((elementCount(tensors[index].shape) * bitsOf(tensors[index].dtype)) / 8)
  // Two of the largest activations beside each other, and room for what the kernels keep.
  const largest = Math.max(0, ...tensors.flatMap((t, i) => (t.data ? [] : [bytes(i)])))
  const arena = Math.ceil((4 * largest + 512 * operators.length + 16384) / 1024)
  const [input] = inputs
  return `// Runs the model once on an input of zeros and prints the first numbers of its first output.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "../model_data.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {
constexpr size_t kArenaSize = ${arena} * 1024;
alignas(16) uint8_t arena[kArenaSize];
}  // namespace

int main() {
  tflite::MicroMutableOpResolver<${kinds.length}> resolver;
${kinds.map(kind => `  resolver.Add${adderOf(kind)}();`).join('\n')}
  tflite::MicroInterpreter interpreter(tflite::GetModel(model_data), resolver, arena, kArenaSize);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    std::printf("The arena of %u bytes is too small, or an operator is missing.\\n", static_cast<unsigned>(kArenaSize));
    return 1;
  }
  std::printf("%u bytes of the arena are used.\\n", static_cast<unsigned>(interpreter.arena_used_bytes()));

  // Put the pre-processed sample here instead, ${bytes(input)} bytes of ${tensors[input].dtype}; README.md says how it is made.
  TfLiteTensor *input = interpreter.input(0);
  std::memset(input->data.raw, 0, input->bytes);
  if (interpreter.Invoke() != kTfLiteOk) return 1;

  const TfLiteTensor *output = interpreter.output(0);
  for (size_t i = 0; i < output->bytes && i < 40; i++) std::printf("%d ", static_cast<unsigned char>(output->data.raw[i]));
  std::printf("\\n");
  return 0;
}
`
}
