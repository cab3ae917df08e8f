// What stands beside a .tflite file for microcontrollers: the model as a C array, and a program that runs it.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { bitsOf, elementCount } from '../base/dtype.ts'
import type { NhwcProgram } from './nhwc/types.ts'
import { filling, type PictureInput, preparation } from './sample/native.ts'

/** The picture that the first input takes, and how its pixels lie in the file. */
export interface Fed {
  picture: PictureInput
  layout: 'NCHW' | 'NHWC'
}

export function microFiles(file: Uint8Array, program: NhwcProgram, fed: Fed | null): OutFile[] {
  return [
    outFile('model_data.h', utf8(header)),
    outFile('model_data.cc', utf8(arrayOf(file))),
    outFile('sample/main.cc', utf8(mainOf(program, fed))),
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

function mainOf({ tensors, operators, inputs }: NhwcProgram, fed: Fed | null): string {
  const kinds = [...new Set(operators.map(o => o.kind))].sort()
  const bytes = (index: number): number =>
    Math.ceil((elementCount(tensors[index].shape) * bitsOf(tensors[index].dtype)) / 8)
  // Two of the largest activations beside each other, and room for what the kernels keep.
  const largest = Math.max(0, ...tensors.flatMap((t, i) => (t.data ? [] : [bytes(i)])))
  const arena = Math.ceil((4 * largest + 512 * operators.length + 16384) / 1024)
  const [input] = inputs
  const feeding = fed
    ? `#ifdef SAMPLE_PICTURE
  if (!read_picture(SAMPLE_PICTURE, pixels)) return false;
#endif
  TfLiteTensor *input = interpreter.input(0);
  fill(pixels, [input](int at, float value) {
    if (input->type == kTfLiteFloat32) {
      input->data.f[at] = value;
      return;
    }
    const int low = input->type == kTfLiteUInt8 ? 0 : -128;
    const int code = static_cast<int>(std::lround(value / input->params.scale)) + input->params.zero_point;
    input->data.raw[at] = static_cast<char>(std::min(low + 255, std::max(low, code)));
  });`
    : `  // Put the pre-processed sample here, ${bytes(input)} bytes of ${tensors[input].dtype}; README.md says how it is made.
  TfLiteTensor *input = interpreter.input(0);
  std::memset(input->data.raw, 0, input->bytes);`
  return `// Runs the model on a grey picture, or zeros where it takes none, prints the first numbers of its first output, and measures it.
// -DSAMPLE_PICTURE='"picture.ppm"': a picture of the model's size. -DSAMPLE_THREADS=2: on several threads, each with an arena of its own.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "../model_data.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_time.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {
constexpr size_t kArenaSize = ${arena} * 1024;
constexpr int kRuns = 20;
alignas(16) uint8_t arena[kArenaSize];
${fed ? `\n${preparation(fed.picture)}${filling(fed.layout)}` : ''}
using Resolver = tflite::MicroMutableOpResolver<${kinds.length}>;

bool register_operators(Resolver &resolver) {
  return ${kinds.map(kind => `resolver.Add${adderOf(kind)}() == kTfLiteOk`).join(' &&\n         ')};
}

// Fills the input; false where there is nothing to fill it with.
bool feed(tflite::MicroInterpreter &interpreter) {
${
  fed
    ? `  static unsigned char pixels[picture_height * picture_width * picture_channels];
  std::memset(pixels, 128, sizeof pixels);
`
    : ''
}${feeding}
  return true;
}
}  // namespace

#ifdef SAMPLE_THREADS
#include <memory>
#include <thread>
#include <vector>

// What a task of an operating system does: an interpreter and an arena for itself.
void work(const Resolver *resolver, bool *right) {
  std::unique_ptr<uint8_t[]> own(new uint8_t[kArenaSize + 16]);
  uint8_t *aligned = own.get() + (16 - reinterpret_cast<uintptr_t>(own.get()) % 16) % 16;
  tflite::MicroInterpreter interpreter(tflite::GetModel(model_data), *resolver, aligned, kArenaSize);
  *right = interpreter.AllocateTensors() == kTfLiteOk;
  for (int i = 0; *right && i < kRuns; i++) *right = feed(interpreter) && interpreter.Invoke() == kTfLiteOk;
}
#endif

int main() {
  Resolver resolver;
  if (!register_operators(resolver)) return 1;
  tflite::MicroInterpreter interpreter(tflite::GetModel(model_data), resolver, arena, kArenaSize);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    std::printf("The arena of %u bytes is too small, or an operator is missing.\\n", static_cast<unsigned>(kArenaSize));
    return 1;
  }
  std::printf("%u bytes of the arena are used.\\n", static_cast<unsigned>(interpreter.arena_used_bytes()));
  if (!feed(interpreter) || interpreter.Invoke() != kTfLiteOk) return 1;

  const TfLiteTensor *output = interpreter.output(0);
  for (size_t i = 0; i < output->bytes && i < 40; i++) {
    if (output->type == kTfLiteInt8) std::printf("%g ", (output->data.int8[i] - output->params.zero_point) * output->params.scale);
    else std::printf("%d ", static_cast<unsigned char>(output->data.raw[i]));
  }
  std::printf("\\n");

  // Kernels may use their input as room to compute in: it is filled for every run.
  uint32_t least = UINT32_MAX, most = 0;
  for (int i = 0; i < kRuns; i++) {
    if (!feed(interpreter)) return 1;
    const uint32_t start = tflite::GetCurrentTimeTicks();
    if (interpreter.Invoke() != kTfLiteOk) return 1;
    const uint32_t taken = tflite::GetCurrentTimeTicks() - start;
    least = std::min(least, taken);
    most = std::max(most, taken);
  }
  std::printf("one run: %u to %u ticks of %u a second\\n", static_cast<unsigned>(least), static_cast<unsigned>(most),
              static_cast<unsigned>(tflite::ticks_per_second()));
#ifdef SAMPLE_THREADS
  bool right[SAMPLE_THREADS];
  std::vector<std::thread> threads;
  for (bool &one : right) threads.emplace_back(work, &resolver, &one);
  for (std::thread &thread : threads) thread.join();
  for (const bool one : right)
    if (!one) return 1;
#endif
  // The arena is static: there is nothing to release.
  return 0;
}
`
}
