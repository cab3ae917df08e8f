// Functions of one number that a network computes in floats between two sets of codes: in C they are one table from code to code.
import { type Affine, quantized } from '../../base/code-curves.ts'
import { elementCount, viewAs } from '../../base/dtype.ts'
import { exp, tanh } from '../../base/math.ts'
import type { Fused, NhwcOperator, NhwcProgram } from '../nhwc/types.ts'

type Step = (x: number) => number

const f32 = Math.fround

const bounds: Readonly<Record<Fused, Step>> = {
  none: x => x,
  relu: x => Math.max(0, x),
  relu6: x => Math.min(6, Math.max(0, x)),
  relu_n1_to_1: x => Math.min(1, Math.max(-1, x)),
}

const unary: { readonly [K in NhwcOperator['kind']]?: Step } = {
  RELU: bounds.relu,
  RELU6: bounds.relu6,
  RELU_N1_TO_1: bounds.relu_n1_to_1,
  ABS: Math.abs,
  NEG: x => -x,
  FLOOR: Math.floor,
  CEIL: Math.ceil,
  SQRT: x => f32(Math.sqrt(x)),
  EXP: x => f32(exp(x)),
  TANH: x => f32(tanh(x)),
  LOGISTIC: x => f32(1 / (1 + exp(-x))),
  ELU: x => (x < 0 ? f32(exp(x) - 1) : x),
}

const binary: { readonly [K in NhwcOperator['kind']]?: (a: number, b: number) => number } = {
  ADD: (a, b) => f32(a + b),
  SUB: (a, b) => f32(a - b),
  MUL: (a, b) => f32(a * b),
  DIV: (a, b) => f32(a / b),
  MAXIMUM: Math.max,
  MINIMUM: Math.min,
}

export interface Chained {
  program: NhwcProgram
  /** What a QUANTIZE from codes to codes computes, where that is more than another scale. */
  functions: ReadonlyMap<NhwcOperator, (x: Affine, y: Affine) => (q: number) => number>
}

/** The program with every such function as one QUANTIZE. */
export function chained(program: NhwcProgram): Chained {
  const { tensors, outputs } = program
  const makers = new Map(program.operators.flatMap(o => o.outputs.map(i => [i, o] as const)))
  const functions = new Map<NhwcOperator, (x: Affine, y: Affine) => (q: number) => number>()

  const operators = program.operators.map((last): NhwcOperator => {
    if (last.kind !== 'QUANTIZE') return last
    const steps: Step[] = []
    let at = makers.get(last.inputs[0])
    const { node } = at ?? last
    for (; at && at.kind !== 'DEQUANTIZE'; ) {
      const found = stepOf(at, program)
      if (!found) return last
      steps.unshift(found.step)
      at = makers.get(found.input)
    }
    if (!at || steps.length === 0 || tensors[at.inputs[0]].data) return last
    const one: NhwcOperator = { kind: 'QUANTIZE', inputs: [at.inputs[0]], outputs: last.outputs, options: {}, node }
    functions.set(one, (x, y) => q => {
      const real = f32((q - x.zeroPoint) * x.scale)
      return quantized(
        steps.reduce((value, step) => step(value), real),
        y,
      )
    })
    return one
  })

  // What nobody reads any more goes, last first.
  const read = new Set(outputs)
  const left = operators.filter(o => o.outputs.length > 0).reverse()
  const kept = left.filter(o => {
    const wanted = o.outputs.some(i => read.has(i))
    if (wanted) for (const i of o.inputs) read.add(i)
    return wanted
  })
  return { program: { ...program, operators: kept.reverse() }, functions }
}

/** A step that turns one number into another, and the tensor that it reads. */
function stepOf(o: NhwcOperator, { tensors }: NhwcProgram): { input: number; step: Step } | null {
  const alone = unary[o.kind]
  if (alone) return { input: o.inputs[0], step: alone }
  if (o.kind === 'LEAKY_RELU') {
    const alpha = f32(o.options.alpha)
    return { input: o.inputs[0], step: x => (x >= 0 ? x : f32(alpha * x)) }
  }
  const both = binary[o.kind]
  const constant = o.inputs.findIndex(i => tensors[i].dtype === 'float32' && tensors[i].data !== null)
  if (!both || constant < 0) return null
  const { shape, data } = tensors[o.inputs[constant]]
  if (elementCount(shape) !== 1) return null
  const value = (): number => viewAs('float32', data!)[0] as number
  const fused = 'fused' in o.options ? bounds[o.options.fused] : bounds.none
  const step: Step = constant === 0 ? x => fused(both(value(), x)) : x => fused(both(x, value()))
  return { input: o.inputs[1 - constant], step }
}
