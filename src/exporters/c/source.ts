// model.c: tables, the kernels that the network uses, and one call for each of its operators.
import { elementCount, viewAs } from '../../base/dtype.ts'
import type { NhwcProgram } from '../nhwc/types.ts'
import { helpers, helpersOf } from './helpers.ts'
import type { Use } from './kernel.ts'
import { KernelText } from './kernel-text.ts'
import type { Step } from './program.ts'
import { type Key, Scrambler } from './scramble.ts'
import type { Storage } from './storage.ts'
import { Tables } from './tables.ts'
import { comment, floatLiteral, indented, Names, quoted } from './text.ts'

/** A layer as a dump prints it: by its name in the source model, in the order of its axes. */
export interface Shown {
  tensor: number
  name: string
  /** Whether it lies with channels last, and the source model's does not. */
  turned: boolean
}

export interface Source {
  text: string
  /** Bytes of constants. */
  constants: number
  /** Bytes of RAM that hold constants which do not stand in the source as they are. */
  restored: number
}

const reserved =
  `arena model_run unscramble mixed stream_at unscramble_int8_t unscramble_uint8_t in out x y a b p main four dump DUMP printf stdout auto break case char const continue default do
double else enum extern float for goto if inline int long register restrict return short signed sizeof static struct switch typedef
union unsigned void volatile while`.split(/\s+/)

export function sourceOf(
  program: NhwcProgram,
  steps: readonly Step[],
  storage: Storage,
  shown: readonly Shown[],
  key: Key | null = null,
): Source {
  const names = new Names([...reserved, ...helpers.map(h => h.name)])
  const byKernel = new Map<string, Use[]>()
  for (const use of steps.flatMap(step => step.uses))
    byKernel.set(use.kernel, [...(byKernel.get(use.kernel) ?? []), use])
  for (const name of byKernel.keys()) names.fresh(name)
  const scrambler = key && new Scrambler(key)
  const tables = new Tables(names, scrambler)
  const kernels = [...byKernel].map(([name, uses]) => new KernelText(name, uses, tables, names))
  const kernelOf = new Map(kernels.flatMap(kernel => kernel.uses.map(use => [use, kernel])))

  const pointer = (tensor: number): string => {
    const place = storage.places[tensor]
    const { name, data } = program.tensors[tensor]
    if (place.kind === 'constant')
      return tables.name({ name, type: 'int8_t', values: viewAs('int8', data!) as Int8Array, secret: true })
    const at = place.kind === 'arena' ? place.offset : place.element
    return at === 0 ? place.kind : `${place.kind} + ${at}`
  }
  const result = ({ to, output }: Use): string =>
    to === undefined ? pointer(output.tensor) : to === 0 ? 'out' : `out + ${to}`
  const calls = steps.flatMap(({ operator, uses }) => [
    ...(uses.length > 0 ? [comment(operator ? `${operator.kind} ${operator.node}` : 'An output to its place.')] : []),
    ...uses.map(use => kernelOf.get(use)!.call(use, [...use.inputs.map(i => pointer(i.tensor)), result(use)])),
    ...shown.filter(s => operator?.outputs.includes(s.tensor)).map(s => dumped(s, program, pointer(s.tensor))),
  ])
  const definitions = kernels.map(kernel => kernel.definition())
  const used = helpersOf(definitions.join('\n'))
  const parts = [
    `/* A network in integers. Generated; model.h says how it is called. */\n#include "model.h"`,
    used.some(text => text.includes('MODEL_SIMD')) ? simd : '',
    shown.length > 0 ? dump : '',
    storage.arena.bytes > 0 ? `static int8_t arena[MODEL_ARENA_SIZE];` : '',
    ...tables.texts,
    scrambler ? scrambler.definition : '',
    ...kernels.flatMap(kernel => kernel.parameters()),
    ...used,
    ...definitions,
    `void model_run(const MODEL_IN_T *in, MODEL_OUT_T *out) {\n${scrambler ? 'unscramble();\n' : ''}${calls.join('\n')}\n}`,
  ]
  const text = parts.map(part => indented(part.trim())).filter(part => part !== '')
  return {
    text: `${text.join('\n\n')}\n`,
    restored: scrambler?.bytes ?? 0,
    constants: tables.bytes + kernels.reduce((n, kernel) => n + kernel.bytes, 0),
  }
}

const simd = `/* With -DMODEL_SIMD: instructions of Arm processors for several products at once. */
#if defined(MODEL_SIMD) && defined(__ARM_NEON)
#include <arm_neon.h>
#elif defined(MODEL_SIMD) && defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif`

const dump = `/* With -DMODEL_DUMP: prints every layer as lines "name index value", which thimble verify DIR --dump FILE reads. */
#ifdef MODEL_DUMP
#include <stdio.h>
static void dump(const char *name, const int8_t *x, int images, int channels, int pixels, float scale, int zero) {
int index = 0;
for (int n = 0; n < images; n++) {
for (int c = 0; c < channels; c++) {
for (int i = 0; i < pixels; i++) {
const float value = (float)(x[(n * pixels + i) * channels + c] - zero) * scale;
printf("%s %d %.9g\\n", name, index++, (double)value);
}
}
}
}
#define DUMP dump
#else
#define DUMP(...) ((void)0)
#endif`

function dumped({ tensor, name, turned }: Shown, { tensors }: NhwcProgram, pointer: string): string {
  const { shape, quant } = tensors[tensor]
  const [images, channels, pixels] = turned ? [shape[0], shape[3], shape[1] * shape[2]] : [1, 1, elementCount(shape)]
  const { scale, zeroPoint } = quant!
  const numbers = [images, channels, pixels, floatLiteral(scale[0]), zeroPoint[0]]
  return `DUMP(${quoted(name)}, ${pointer}, ${numbers.join(', ')});`
}
