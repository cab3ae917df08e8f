// HQQ (Half-Quadratic Quantization of Large Machine Learning Models, 2023), without data: scale and zero point of each group that leave
// the least error once a few outliers are given up,
//
//   min |w - r|_p^p, p < 1:   e = shrink(w - r);   then (scale, zero point) of least squares for w - e
//
// Where the original moves a real-valued zero point, files have whole ones, so that the scale moves too. p is 3/4, for which the shrinkage
// needs square roots alone. Of all rounds the one of least squared error is kept, the plan's own included: no group gets worse.
import { roundHalfEven } from '../../../base/round.ts'
import { each, inOrder } from '../../../ir/batches.ts'
import type { Task } from '../../../ir/context.ts'
import type { ValueName } from '../../../ir/model.ts'
import { isInt } from '../../../ir/number-format.ts'
import { codeRange, type QuantParams, type QuantSpec, roundTripTensor } from '../../../ir/quant.ts'
import { weightOf } from '../../../ops/facts.ts'
import { groupsOf } from '../weight-scales.ts'
import { floatsOf, withConstants } from './products.ts'
import type { WeightRepair } from './types.ts'

const rounds = 20
// Beyond, there are no outliers to give up: what is left is noise.
const mostBits = 6

export const hqq = {
  id: 'hqq',
  label: 'HQQ: scales and zero points that give outliers up',
  when: 'after-plan',
  needsData: false,
  async run({ model, plan, choice }, _samples, ctx) {
    const weights = new Map(plan.weights)
    const rounded = new Map<ValueName, Float32Array>()
    // Not beside integer activations: there the units of biases hang on the scales.
    const names = [...choice.weightOnly.values()].map(({ node }) => weightOf(node, model.graph)!.name)
    const wanted = [...new Set(names)].filter(name => {
      const format = plan.weights.get(name)?.spec.format
      return format && isInt(format) && format.bits >= 2 && format.bits <= mostBits
    })
    const improving = async (name: ValueName): Promise<Improved> => {
      const { shape } = model.graph.values.get(name)!.data!
      const data = await floatsOf(model, name, ctx.bytes)
      return ctx.perform(improveTask, { data, shape, params: weights.get(name)! })
    }
    for await (const { item, result } of inOrder(each(wanted), ctx.runner.threads, improving)) {
      ctx.signal.throwIfAborted()
      weights.set(item, result.params)
      rounded.set(item, result.data)
      ctx.progress({ stage: 'quantize', done: rounded.size, total: wanted.length, note: 'HQQ' })
    }
    return { model: withConstants(model, rounded), plan: { ...plan, weights }, notes: [] }
  },
} as const satisfies WeightRepair

interface Improved {
  params: QuantParams
  data: Float32Array
}

export const improveTask: Task<{ data: Float32Array; shape: readonly number[]; params: QuantParams }, Improved> = {
  id: 'hqq',
  run({ data, shape, params }) {
    const better = halfQuadratic(data, shape, params)
    return { params: better, data: roundTripTensor(data, shape, better) }
  },
}

function halfQuadratic(data: Float32Array, shape: readonly number[], params: QuantParams): QuantParams {
  const scale = params.scale.slice()
  const zeroPoint = params.zeroPoint.slice()
  for (const [k, group] of groupsOf(data, shape, params.spec).entries()) {
    const better = improve(group, scale[k], zeroPoint[k], params.spec as QuantSpec)
    scale[k] = better.scale
    zeroPoint[k] = better.zeroPoint
  }
  return { ...params, scale, zeroPoint }
}

interface Grid {
  scale: number
  zeroPoint: number
}

function improve(group: Float32Array, scale: number, zeroPoint: number, spec: QuantSpec): Grid {
  const { qmin, qmax } = codeRange(spec)
  const codes = new Float64Array(group.length)
  const round = (grid: Grid): number => {
    let error = 0
    for (let i = 0; i < group.length; i++) {
      const q = roundHalfEven(Math.fround(group[i] / grid.scale)) + grid.zeroPoint
      codes[i] = Math.min(qmax, Math.max(qmin, q))
      const d = group[i] - (codes[i] - grid.zeroPoint) * grid.scale
      error += d * d
    }
    return error
  }
  let grid: Grid = { scale, zeroPoint }
  let best = grid
  let error = round(grid)
  let least = error
  for (let n = 0, beta = 4; n < rounds && least > 0; n++, beta *= 1.2) {
    grid = fitted(group, codes, grid, spec, beta)
    if (!(grid.scale > 0)) break
    error = round(grid)
    if (error < least) {
      least = error
      best = grid
    }
  }
  return best
}

/** Scale and zero point of least squares for what is left of a group without its outliers. */
function fitted(
  group: Float32Array,
  codes: Float64Array,
  { scale, zeroPoint }: Grid,
  spec: QuantSpec,
  beta: number,
): Grid {
  const { qmin, qmax } = codeRange(spec)
  const kept = new Float64Array(group.length)
  let offset = 0
  for (let i = 0; i < group.length; i++) {
    const real = (codes[i] - zeroPoint) * scale
    kept[i] = group[i] - scale * shrink((group[i] - real) / scale, beta)
    offset += codes[i] - kept[i] / scale
  }
  const zero = spec.symmetric ? zeroPoint : Math.min(qmax, Math.max(qmin, roundHalfEven(offset / group.length)))
  let dot = 0
  let energy = 0
  for (let i = 0; i < group.length; i++) {
    const q = codes[i] - zero
    dot += kept[i] * q
    energy += q * q
  }
  return { scale: energy > 0 ? Math.fround(dot / energy) : scale, zeroPoint: zero }
}

/** sign(v) max(|v| - |v|^(p - 1) / beta, 0) with p = 3/4; v in steps of the grid. */
function shrink(v: number, beta: number): number {
  const size = Math.abs(v)
  if (size === 0) return 0
  const left = size - 1 / (Math.sqrt(Math.sqrt(size)) * beta)
  return left > 0 ? Math.sign(v) * left : 0
}
