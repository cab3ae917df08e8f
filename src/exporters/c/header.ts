// model.h: what a caller needs to know.
import { elementCount } from '../../base/dtype.ts'
import type { NhwcProgram, NhwcTensor } from '../nhwc/types.ts'
import type { Storage } from './storage.ts'
import { comment, floatLiteral, Names } from './text.ts'

const types: Readonly<Record<string, string>> = { float32: 'float', int8: 'int8_t', uint8: 'uint8_t' }

/** The one type that inputs (or outputs) have in C; null where there is none, or they have several. */
export function edgeType(program: NhwcProgram, edges: readonly number[]): string | null {
  const [type, ...others] = new Set(edges.map(i => program.tensors[i].dtype))
  return others.length === 0 ? (types[type] ?? null) : null
}

export function headerOf(program: NhwcProgram, { arena, sizes }: Storage, constants: number, restored: number): string {
  const { inputs, outputs } = program
  const names = new Names([])
  return `/*
 * A network in integers, in C99 without any library. Generated.
 *
 *   #include "model.h"
 *   static MODEL_IN_T in[MODEL_INPUT_SIZE];
 *   static MODEL_OUT_T out[MODEL_OUTPUT_SIZE];
 *   model_run(in, out);
 *
 * Memory: ${constants} bytes of constants beside the code (flash), ${arena.bytes} bytes of static memory (RAM), beside the
 * caller's two arrays. At its narrowest the network needs ${arena.bound} bytes at once. It works in static memory, so
 * that one call must end before the next begins; "in" and "out" must not overlap.${
   restored > 0
     ? `
 *
 * The constants are scrambled by a key, which is given when model.c is compiled: -DMODEL_KEY=0x...ULL. The first call restores
 * them into ${restored} more bytes of static memory.`
     : ''
 }
 *
${[...edgesText('in', program, inputs), ...edgesText('out', program, outputs)].join('\n')}
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MODEL_IN_T ${edgeType(program, inputs)}
#define MODEL_OUT_T ${edgeType(program, outputs)}
#define MODEL_INPUT_SIZE ${sizes.in}
#define MODEL_OUTPUT_SIZE ${sizes.out}
#define MODEL_ARENA_SIZE ${arena.bytes}${[
    ...offsets('INPUT', program, inputs, names),
    ...offsets('OUTPUT', program, outputs, names),
    ...scales(program),
  ]
    .map(line => `\n${line}`)
    .join('')}

void model_run(const MODEL_IN_T *in, MODEL_OUT_T *out);

#ifdef __cplusplus
}
#endif

#endif
`
}

const edgesText = (array: string, { tensors }: NhwcProgram, edges: readonly number[]): string[] =>
  edges.map((i, k) => {
    const { name, shape, quant } = tensors[i]
    const real = quant ? `, real = (code - ${quant.zeroPoint[0]}) * ${quant.scale[0]}` : ''
    return ` * ${array}${edges.length > 1 ? ` + ${elementsBefore(tensors, edges, k)}` : ''}: ${inside(name)}, [${shape.join(', ')}]${real}`
  })

/** As it may stand in a comment. */
const inside = (name: string): string => comment(name).slice(3, -3)

const elementsBefore = (tensors: readonly NhwcTensor[], edges: readonly number[], k: number): number =>
  edges.slice(0, k).reduce((n, i) => n + elementCount(tensors[i].shape), 0)

/** Where each of several begins. */
const offsets = (what: string, { tensors }: NhwcProgram, edges: readonly number[], names: Names): string[] =>
  edges.length < 2
    ? []
    : edges.map((i, k) => {
        const name = names.fresh(`MODEL_${what}_${tensors[i].name}_AT`)
        return `#define ${name} ${elementsBefore(tensors, edges, k)}`
      })

/** Of integer edges, where there is one of them. */
const scales = ({ tensors, inputs, outputs }: NhwcProgram): string[] =>
  [['INPUT', inputs] as const, ['OUTPUT', outputs] as const].flatMap(([what, edges]) => {
    const quant = edges.length === 1 ? tensors[edges[0]].quant : null
    return quant
      ? [
          `#define MODEL_${what}_SCALE ${floatLiteral(quant.scale[0])}`,
          `#define MODEL_${what}_ZERO ${quant.zeroPoint[0]}`,
        ]
      : []
  })
