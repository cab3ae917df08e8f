// BatchNormalization, with its statistics frozen or those of the batch, and LayerNormalization; moments in float64.
import { attrFloat, attrInt, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { along, axisIn, count, floatsOf, type GradDef, type Inputs, single } from './types.ts'

/** Normalisation of groups of elements: y = (x - mean) / deviation; `deviation` holds epsilon. */
interface Groups {
  of: (i: number) => number // the group of an element
  number: number
  size: number
}

function moments(x: Float32Array, { of, number, size }: Groups): { mean: Float64Array; variance: Float64Array } {
  const mean = new Float64Array(number)
  const variance = new Float64Array(number)
  for (let i = 0; i < x.length; i++) mean[of(i)] += x[i]
  for (let g = 0; g < number; g++) mean[g] /= size
  for (let i = 0; i < x.length; i++) {
    const d = x[i] - mean[of(i)]
    variance[of(i)] += d * d
  }
  for (let g = 0; g < number; g++) variance[g] /= size
  return { mean, variance }
}

/**
 * Gradient with respect to x of n = (x - mean) / deviation by that of n, where mean and deviation are those of the group (Ioffe and
 * Szegedy, "Batch Normalization", 2015, section 3): dx = (dn - mean(dn) - n mean(dn n)) / deviation.
 */
function throughMoments(dn: Float64Array, n: Float64Array, inverse: Float64Array, groups: Groups): Float32Array {
  const { of, number, size } = groups
  const [sums, products] = [new Float64Array(number), new Float64Array(number)]
  for (let i = 0; i < dn.length; i++) {
    sums[of(i)] += dn[i]
    products[of(i)] += dn[i] * n[i]
  }
  const dx = new Float32Array(dn.length)
  for (let i = 0; i < dn.length; i++) {
    const g = of(i)
    dx[i] = inverse[g] * (dn[i] - (sums[g] + n[i] * products[g]) / size)
  }
  return dx
}

const inverseOf = (variance: ArrayLike<number>, epsilon: number): Float64Array =>
  Float64Array.from(variance, v => 1 / Math.sqrt(v + epsilon))

const byBatch = (node: Node): boolean => attrInt(node, 'training_mode', 0) !== 0

/** The statistics that a BatchNormalization goes by. */
function statistics(node: Node, [x, , , mean, variance]: Inputs) {
  const [samples, channels] = x!.shape
  const inner = count(x!.shape.slice(2))
  const groups: Groups = { of: i => Math.floor(i / inner) % channels, number: channels, size: samples * inner }
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
    for (let i = 0; i < x.length; i++) {
      const c = groups.of(i)
      y[i] = (x[i] - mean[c]) * inverse[c] * scale[c] + bias[c]
    }
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
    const n = Float64Array.from(x, (v, i) => (v - mean[groups.of(i)]) * inverse[groups.of(i)])
    const [ds, db] = [new Float64Array(groups.number), new Float64Array(groups.number)]
    const dn = new Float64Array(x.length)
    for (let i = 0; i < x.length; i++) {
      const c = groups.of(i)
      db[c] += dy![i]
      ds[c] += dy![i] * n[i]
      dn[i] = dy![i] * scale[c]
    }
    const dx = !wanted[0]
      ? null
      : byBatch(node)
        ? throughMoments(dn, n, inverse, groups)
        : Float32Array.from(dn, (d, i) => d * inverse[groups.of(i)])
    return [dx, Float32Array.from(ds), Float32Array.from(db), null, null]
  },
}

/** Over all axes from `axis` on. */
function rows(node: Node, shape: readonly number[]): Groups {
  const axis = axisIn(attrInt(node, 'axis', -1), shape)
  const size = count(shape.slice(axis))
  return { of: i => Math.floor(i / size), number: along(shape, axis).outer, size }
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
    return floats(
      x!.shape,
      source.map((v, i) => {
        const g = groups.of(i)
        const at = i % groups.size
        return (v - mean[g]) * inverse[g] * s[at] + (b ? b[at] : 0)
      }),
    )
  },
  backward(node, { inputs: [x, scale, bias] }, dy) {
    const groups = rows(node, x!.shape)
    const { mean, variance } = moments(floatsOf(x!), groups)
    const inverse = inverseOf(variance, attrFloat(node, 'epsilon', 1e-5))
    const n = Float64Array.from(floatsOf(x!), (v, i) => (v - mean[groups.of(i)]) * inverse[groups.of(i)])
    const s = floatsOf(scale!)
    const [ds, db] = [new Float64Array(s.length), new Float64Array(s.length)]
    const dn = new Float64Array(n.length)
    for (let i = 0; i < n.length; i++) {
      const at = i % groups.size
      ds[at] += dy[i] * n[i]
      db[at] += dy[i]
      dn[i] = dy[i] * s[at]
    }
    return [throughMoments(dn, n, inverse, groups), Float32Array.from(ds), bias ? Float32Array.from(db) : null]
  },
})

export const normalizationGrads: readonly GradDef[] = [batchNormalization, layerNormalization]
