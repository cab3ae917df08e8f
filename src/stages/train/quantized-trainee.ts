// Training against rounding: weights are read as their codes stand for, activations as the plan rounds them, and the scales of both are
// learned with the weights (Esser et al., "Learned Step Size Quantization", 2020). The plan is the very one that the model is written by.
import { roundHalfEven } from '../../base/round.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Graph, ValueName } from '../../ir/model.ts'
import { hasFreeScale, isInt, largestOf } from '../../ir/number-format.ts'
import {
  codeRange,
  eachScale,
  type QuantParams,
  type QuantPlan,
  type QuantSpec,
  quantizeTensor,
  roundTripTensor,
} from '../../ir/quant.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import type { RoundedRead } from '../../ir/training.ts'
import { measure, type Parameter, type Part, sizesOf, type Trainee } from './trainee.ts'

export interface QuantizedTrainee extends Trainee {
  /** The plan with the scales as they stand. */
  plan(): QuantPlan
}

export interface Steps {
  /** Who reads which activation rounded. */
  reads: ReadonlyMap<ValueName, RoundedRead>
  /** Activations whose scale stays, whatever is learned. */
  fixed: ReadonlySet<ValueName>
  /** Activations whose scale may fall but not rise: an operator bounds them. */
  bounded: ReadonlySet<ValueName>
  /** Learning rate of scales over that of weights; scales move relative to where they were. */
  rate: number
  /** The model whose weights were rounded. */
  exact: Graph
}

const smallestFactor = 1e-3
/** In steps; half of one is the border to the next code, from which weights begin a little away. */
const fromMiddle = 0.4

export async function quantizedTrainee(
  graph: Graph,
  part: Part,
  plan: QuantPlan,
  steps: Steps,
  bytes: Bytes,
): Promise<QuantizedTrainee> {
  const parameters: Parameter[] = []
  const add = (parameter: Parameter): Parameter => {
    parameters.push(parameter)
    return parameter
  }
  // Scales are moved by factors, which begin at 1.
  const addFactors = (name: string, count: number): Parameter => {
    const values = new Float32Array(count).fill(1)
    return add({ name, values, rate: steps.rate, size: sizesOf([count], undefined), decays: false })
  }
  const shapeOf = (name: ValueName): readonly number[] => graph.values.get(name)!.data!.shape
  const latents = new Map<ValueName, Parameter>()
  for (const name of part.learned) {
    const given = await readFloats(bytes, graph.values.get(name)!.data!)
    const params = plan.weights.get(name)
    const before = steps.exact.values.get(name)?.data
    const values =
      params && before && isUniform(params.spec) && before.shape.join() === shapeOf(name).join()
        ? withinCodes(given, await readFloats(bytes, before), shapeOf(name), params)
        : given.slice()
    const size = sizesOf(shapeOf(name), part.axes.get(name))
    latents.set(name, add({ name, values, rate: 1, size, decays: part.decays.has(name) }))
  }
  measure(parameters)
  const weightFactors = new Map<ValueName, Parameter>()
  for (const name of part.learned) {
    const params = plan.weights.get(name)
    if (params && hasFreeScale(params.spec.format))
      weightFactors.set(name, addFactors(`${name}/scale`, params.scale.length))
  }
  const made = new Set(part.nodes.flatMap(n => n.outputs))
  const setOf = new Map(plan.shared.flatMap(set => set.map(name => [name, set[0]] as const)))
  const factors = new Map<ValueName, Parameter>() // by the first of a set
  const held = new Set([...steps.fixed].map(name => setOf.get(name) ?? name))
  for (const [name, params] of plan.activations) {
    const first = setOf.get(name) ?? name
    const learns = made.has(name) && isInt(params.spec.format) && params.scale.length === 1
    if (!learns) held.add(first)
  }
  for (const name of plan.activations.keys()) {
    const first = setOf.get(name) ?? name
    if (!held.has(first) && !factors.has(first)) factors.set(first, addFactors(`${first}/step`, 1))
  }
  // Of a bias that is read in two units there is no one value.
  const unitOf = new Map<ValueName, { input: ValueName; weight: ValueName }>()
  const uses = [...plan.biases.values()]
  for (const use of uses) if (uses.filter(u => u.bias === use.bias).length === 1) unitOf.set(use.bias, use)
  const sizes = new Map([...made].map(name => [name, perSample(graph, name!)] as const))
  const capped = new Set([...steps.bounded].map(name => setOf.get(name) ?? name))
  const factorOf = (name: ValueName): Parameter | undefined => factors.get(setOf.get(name) ?? name)
  // What was settled last is what gradients are of.
  const asRead = new Map<ValueName, Float32Array>()

  const scaled = (params: QuantParams, factor: Parameter | undefined): QuantParams =>
    factor
      ? { ...params, scale: params.scale.map((s, i) => s * factor.values[factor.values.length === 1 ? 0 : i]) }
      : params
  const planNow = (): QuantPlan => ({
    ...plan,
    weights: new Map([...plan.weights].map(([name, p]) => [name, scaled(p, weightFactors.get(name))])),
    activations: new Map([...plan.activations].map(([name, p]) => [name, scaled(p, factorOf(name))])),
  })

  /** By how much the gradient of a scale is scaled down: 1 / sqrt(N Q), section 2.2 of the paper. */
  const calm = (elements: number, params: QuantParams): number =>
    1 / Math.sqrt(elements * largestOf(params.spec.format, params.spec.restricted))

  return {
    part,
    nodes: part.nodes,
    parameters,
    plan: planNow,
    settle() {
      for (const [first, factor] of factors)
        factor.values[0] = Math.max(
          smallestFactor,
          capped.has(first) ? Math.min(1, factor.values[0]) : factor.values[0],
        )
      for (const { values } of weightFactors.values())
        for (let i = 0; i < values.length; i++) values[i] = Math.max(smallestFactor, values[i])
      const now = planNow()
      const arrays = new Map<ValueName, NdArray>()
      const settled = (name: ValueName, values: Float32Array): void => {
        const params = now.weights.get(name)
        const unit = params ? null : unitOf.get(name)
        const data = params
          ? roundTripTensor(values, shapeOf(name), params)
          : unit
            ? roundedBias(values, now.activations.get(unit.input)!, now.weights.get(unit.weight)!)
            : values
        asRead.set(name, data)
        arrays.set(name, floats(data.length === values.length ? shapeOf(name) : [data.length], data))
      }
      for (const [name, { values }] of latents) settled(name, values)
      for (const [name, { dtype, data }] of part.constants)
        if (dtype === 'float32' && (now.weights.has(name) || unitOf.has(name))) settled(name, data as Float32Array)
      const rounded = new Map(
        [...steps.reads].map(([name, read]) => {
          const params = now.activations.get(name)!
          return [name, { ...read, params, ...(factorOf(name) ? { step: stepName(name) } : {}) }]
        }),
      )
      return { arrays, rounded }
    },
    gradients(found) {
      const sums = new Map(parameters.map(p => [p, new Float32Array(p.values.length)]))
      for (const [name, latent] of latents) {
        const dw = found.get(name)
        if (!dw) continue
        const params = plan.weights.get(name)
        if (!params) {
          sums.get(latent)!.set(dw)
          continue
        }
        const factor = weightFactors.get(name)
        const now = scaled(params, factor)
        const through = throughRounding(latent.values, asRead.get(name)!, shapeOf(name), now, dw)
        sums.get(latent)!.set(through.values)
        if (!factor) continue
        const g = calm(latent.values.length / now.scale.length, params)
        for (let k = 0; k < now.scale.length; k++) sums.get(factor)![k] = g * through.scales[k] * params.scale[k]
      }
      for (const [name, params] of plan.activations) {
        const gradient = found.get(stepName(name))
        const factor = factorOf(name)
        if (gradient && factor)
          sums.get(factor)![0] += gradient[0] * params.scale[0] * calm(sizes.get(name) ?? 1, params)
      }
      return parameters.map(p => sums.get(p)!)
    },
    // Normalisations that are left beside rounded layers stay as they are.
    observe() {},
  }
}

/** Elements of a value that one sample has, so far as they are known. */
const perSample = (graph: Graph, name: ValueName): number =>
  (graph.values.get(name)?.shape ?? []).slice(1).reduce<number>((n, d) => (typeof d === 'number' ? n * d : n), 1)

const stepName = (name: ValueName): ValueName => `${name}/step`

/** A bias as it is added to the sums: in whole units of the input's scale times the weight's, which are coarse where both have few bits. */
function roundedBias(bias: Float32Array, input: QuantParams, weight: QuantParams): Float32Array {
  const { scale } = weight
  const channels = Math.max(bias.length, scale.length)
  return Float32Array.from({ length: channels }, (_, c) => {
    const unit = Math.fround(scale[scale.length === 1 ? 0 : c] * input.scale[0])
    return roundHalfEven(bias[bias.length === 1 ? 0 : c] / unit) * unit
  })
}

const isUniform = (spec: QuantParams['spec']): boolean => isInt(spec.format) && spec.format.bits > 1

/**
 * Weights of the codes of an evenly spaced format that `rounded` has. Those that a repair wrote in the middle of a code, where each has half a step to go before it
 * changes, are as near to the `exact` ones as the code allows; others stay.
 */
export function withinCodes(
  rounded: Float32Array,
  exact: Float32Array,
  shape: readonly number[],
  params: QuantParams,
): Float32Array {
  const codes = quantizeTensor(rounded, shape, params)
  const values = rounded.slice()
  eachScale(shape, params, (from, to, k) => {
    const s = params.scale[k]
    const [low, high] = reach(params, k)
    for (let i = from; i < to; i++) {
      const code = codes[i] - params.zeroPoint[k]
      if (rounded[i] !== Math.fround(code * s)) continue
      const [least, most] = [Math.max(low, code - fromMiddle), Math.min(high, code + fromMiddle)]
      values[i] = Math.max(least * s, Math.min(most * s, exact[i]))
    }
  })
  return values
}

/** Largest and smallest real that a scale of 1 can stand for. */
function reach({ spec, zeroPoint }: QuantParams, k: number): [number, number] {
  if (isUniform(spec)) {
    const { qmin, qmax } = codeRange(spec as QuantSpec)
    return [qmin - zeroPoint[k], qmax - zeroPoint[k]]
  }
  const largest = largestOf(spec.format, spec.restricted)
  return [-largest, largest]
}

/** Gradients of a tensor and of its scales by that of what its codes stand for, `rounded` (equations 3 and 5 of the paper). */
export function throughRounding(
  x: Float32Array,
  rounded: Float32Array,
  shape: readonly number[],
  params: QuantParams,
  dx: Float32Array,
): { values: Float32Array; scales: Float64Array } {
  const values = new Float32Array(x.length)
  const scales = new Float64Array(params.scale.length)
  eachScale(shape, params, (from, to, k) => {
    const s = params.scale[k]
    const [low, high] = reach(params, k).map(end => end * s)
    let sum = 0
    for (let i = from; i < to; i++) {
      const inside = x[i] >= low && x[i] <= high
      if (inside) values[i] = dx[i]
      sum += dx[i] * (rounded[i] - (inside ? x[i] : 0))
    }
    scales[k] += sum / s
  })
  return { values, scales }
}
