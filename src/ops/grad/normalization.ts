// BatchNormalization, with its statistics frozen or those of the batch, and LayerNormalization; moments in float64.
import { attrFloat, attrInt, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { along, axisIn, count, floatsOf, type GradDef, type Inputs, single } from './types.ts'

/** Elements that are normalised together: runs of `length` that lie beside each other belong to groups in turn. */
interface Groups {
  length: number
  number: number
  size: number // elements of a group
}

/** Visits every run: where it begins, where it ends, and its group. */
function eachRun(count: number, { length, number }: Groups, visit: (from: number, to: number, group: number) => void) {
  for (let from = 0, run = 0; from < count; from += length, run++) visit(from, from + length, run % number)
}

function moments(x: Float32Array, groups: Groups): { mean: Float64Array; variance: Float64Array } {
  const { number, size } = groups
  const mean = new Float64Array(number)
  const variance = new Float64Array(number)
  eachRun(x.length, groups, (from, to, g) => {
    let sum = 0
    for (let i = from; i < to; i++) sum += x[i]
    mean[g] += sum
  })
  for (let g = 0; g < number; g++) mean[g] /= size
  eachRun(x.length, groups, (from, to, g) => {
    const m = mean[g]
    let sum = 0
    for (let i = from; i < to; i++) {
      const d = x[i] - m
      sum += d * d
    }
    variance[g] += sum
  })
  for (let g = 0; g < number; g++) variance[g] /= size
  return { mean, variance }
}

/** (x - mean) / deviation; `inverse` is one over the deviation, which holds epsilon. */
function normalised(x: Float32Array, mean: Float64Array, inverse: Float64Array, groups: Groups): Float64Array {
  const n = new Float64Array(x.length)
  eachRun(x.length, groups, (from, to, g) => {
    const [m, by] = [mean[g], inverse[g]]
    for (let i = from; i < to; i++) n[i] = (x[i] - m) * by
  })
  return n
}

/**
 * Gradient with respect to x of n = (x - mean) / deviation by that of n, where mean and deviation are those of the group (Ioffe and
 * Szegedy, "Batch Normalization", 2015, section 3): dx = (dn - mean(dn) - n mean(dn n)) / deviation.
 */
function throughMoments(dn: Float64Array, n: Float64Array, inverse: Float64Array, groups: Groups): Float32Array {
  const { number, size } = groups
  const [sums, products] = [new Float64Array(number), new Float64Array(number)]
  eachRun(dn.length, groups, (from, to, g) => {
    let [sum, product] = [0, 0]
    for (let i = from; i < to; i++) {
      sum += dn[i]
      product += dn[i] * n[i]
    }
    sums[g] += sum
    products[g] += product
  })
  const dx = new Float32Array(dn.length)
  eachRun(dn.length, groups, (from, to, g) => {
    const [by, sum, product] = [inverse[g], sums[g] / size, products[g] / size]
    for (let i = from; i < to; i++) dx[i] = by * (dn[i] - (sum + n[i] * product))
  })
  return dx
}

const inverseOf = (variance: ArrayLike<number>, epsilon: number): Float64Array =>
  Float64Array.from(variance, v => 1 / Math.sqrt(v + epsilon))

const byBatch = (node: Node): boolean => attrInt(node, 'training_mode', 0) !== 0

/** The statistics that a BatchNormalization goes by. */
function statistics(node: Node, [x, , , mean, variance]: Inputs) {
  const [samples, channels] = x!.shape
  const inner = count(x!.shape.slice(2))
  const groups: Groups = { length: inner, number: channels, size: samples * inner }
  const own = byBatch(node)
    ? moments(floatsOf(x!), groups)
    : { mean: Float64Array.from(floatsOf(mean!)), variance: Float64Array.from(floatsOf(variance!)) }
  return { groups, ...own, inverse: inverseOf(own.variance, attrFloat(node, 'epsilon', 1e-5)) }
}

const batchNormalization: GradDef = {
  type: 'BatchNormalization',
  forward(node, inputs) {
    const [x, scale, bias] = inputs.map(input => floatsOf(input!))
    const { groups, mean, variance, inverse } = statistics(node, inputs)
    const y = new Float32Array(x.length)
    eachRun(x.length, groups, (from, to, c) => {
      const [m, by, s, b] = [mean[c], inverse[c], scale[c], bias[c]]
      for (let i = from; i < to; i++) y[i] = (x[i] - m) * by * s + b
    })
    const out = [floats(inputs[0]!.shape, y)]
    if (!byBatch(node)) return out
    const keep = attrFloat(node, 'momentum', 0.9)
    const running = (old: Float32Array, now: Float64Array): Float32Array =>
      old.map((v, c) => keep * v + (1 - keep) * now[c])
    const stats = [running(floatsOf(inputs[3]!), mean), running(floatsOf(inputs[4]!), variance)]
    return [...out, ...stats.map(data => floats([data.length], data))]
  },
  backward(node, { inputs }, [dy], wanted) {
    const [x, scale] = inputs.map(input => floatsOf(input!))
    const { groups, mean, inverse } = statistics(node, inputs)
    const n = normalised(x, mean, inverse, groups)
    const [ds, db] = [new Float64Array(groups.number), new Float64Array(groups.number)]
    const dn = new Float64Array(x.length)
    const frozen = wanted[0] && !byBatch(node) ? new Float32Array(x.length) : null
    eachRun(x.length, groups, (from, to, c) => {
      const [by, s] = [inverse[c], scale[c]]
      let [sum, product] = [0, 0]
      for (let i = from; i < to; i++) {
        const d = dy![i]
        sum += d
        product += d * n[i]
        dn[i] = d * s
      }
      db[c] += sum
      ds[c] += product
      if (frozen) for (let i = from; i < to; i++) frozen[i] = dn[i] * by
    })
    const dx = frozen ?? (wanted[0] ? throughMoments(dn, n, inverse, groups) : null)
    return [dx, Float32Array.from(ds), Float32Array.from(db), null, null]
  },
}

/** Over all axes from `axis` on. */
function rows(node: Node, shape: readonly number[]): Groups {
  const axis = axisIn(attrInt(node, 'axis', -1), shape)
  const size = count(shape.slice(axis))
  return { length: size, number: along(shape, axis).outer, size }
}

const layerNormalization = single({
  type: 'LayerNormalization',
  refuses: node => (node.outputs.length > 1 ? 'its mean and deviation are outputs too' : null),
  forward(node, [x, scale, bias]) {
    const groups = rows(node, x!.shape)
    const source = floatsOf(x!)
    const { mean, variance } = moments(source, groups)
    const inverse = inverseOf(variance, attrFloat(node, 'epsilon', 1e-5))
    const [s, b] = [floatsOf(scale!), bias && floatsOf(bias)]
    const y = new Float32Array(source.length)
    eachRun(source.length, groups, (from, to, g) => {
      const [m, by] = [mean[g], inverse[g]]
      for (let i = from, at = 0; i < to; i++, at++) y[i] = (source[i] - m) * by * s[at] + (b ? b[at] : 0)
    })
    return floats(x!.shape, y)
  },
  backward(node, { inputs: [x, scale, bias] }, dy) {
    const groups = rows(node, x!.shape)
    const { mean, variance } = moments(floatsOf(x!), groups)
    const inverse = inverseOf(variance, attrFloat(node, 'epsilon', 1e-5))
    const n = normalised(floatsOf(x!), mean, inverse, groups)
    const s = floatsOf(scale!)
    const [ds, db] = [new Float64Array(s.length), new Float64Array(s.length)]
    const dn = new Float64Array(n.length)
    eachRun(n.length, groups, (from, to) => {
      for (let i = from, at = 0; i < to; i++, at++) {
        ds[at] += dy[i] * n[i]
        db[at] += dy[i]
        dn[i] = dy[i] * s[at]
      }
    })
    return [throughMoments(dn, n, inverse, groups), Float32Array.from(ds), bias ? Float32Array.from(db) : null]
  },
})

export const normalizationGrads: readonly GradDef[] = [batchNormalization, layerNormalization]
