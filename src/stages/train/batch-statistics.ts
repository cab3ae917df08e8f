// BatchNormalizations that go by the batch while the network learns, and what they keep of it for later (Ioffe and Szegedy, "Batch
// Normalization", 2015, section 3.1): every shard is normalised by its own moments, and those of the whole batch move the kept ones.
import { attrFloat, attrInt, float, int, type Node, type NodeId, type ValueName } from '../../ir/model.ts'
import type { Run } from '../../ir/training.ts'

/** Moments of one shard, a value a channel. */
export interface Moments {
  samples: number
  mean: Float32Array
  variance: Float32Array
}

/** A BatchNormalization that keeps moments of its own. `keep`: the share of them that a step leaves. */
export interface Norm {
  node: NodeId
  mean: ValueName
  variance: ValueName
  keep: number
}

/** Those whose moments are constants that no other node reads: what is moved is theirs alone. */
export function normsIn(nodes: readonly Node[], isConstant: (name: ValueName) => boolean): Norm[] {
  const reads = nodes.flatMap(n => n.inputs)
  const own = (name: ValueName | null): boolean =>
    name !== null && isConstant(name) && reads.filter(r => r === name).length === 1
  return nodes
    .filter(n => n.op === 'BatchNormalization' && n.domain === '' && attrInt(n, 'training_mode', 0) === 0)
    .filter(n => own(n.inputs[3]) && own(n.inputs[4]))
    .map(n => ({ node: n.id, mean: n.inputs[3]!, variance: n.inputs[4]!, keep: attrFloat(n, 'momentum', 0.9) }))
}

// Behind the name of what the node makes; no value of a graph is called so.
const momentsOf = ({ outputs: [y] }: Node): [ValueName, ValueName] => [`${y}/batch-mean`, `${y}/batch-variance`]

/** The nodes as they learn: with a momentum of 0 the moments that are passed on are those of the shard alone. */
export function inTrainingForm(nodes: readonly Node[], norms: readonly Norm[]): Node[] {
  const ids = new Set(norms.map(norm => norm.node))
  return nodes.map(node =>
    ids.has(node.id)
      ? {
          ...node,
          outputs: [node.outputs[0], ...momentsOf(node)],
          attrs: new Map([...node.attrs, ['training_mode', int(1)], ['momentum', float(0)]]),
        }
      : node,
  )
}

/** What a run of nodes in training form found, by the names of the kept means. */
export function momentsIn(nodes: readonly Node[], run: Run): Map<ValueName, Moments> {
  const found = new Map<ValueName, Moments>()
  for (const node of nodes) {
    const [y, mean, variance] = node.outputs
    if (node.op !== 'BatchNormalization' || !mean || !variance) continue
    // Arrays of a run are used again.
    const copied = (name: ValueName): Float32Array => (run.value(name).data as Float32Array).slice()
    found.set(node.inputs[3]!, { samples: run.value(y!).shape[0], mean: copied(mean), variance: copied(variance) })
  }
  return found
}

/** Moves what is kept, in place, towards the moments of all samples together, whose variance lies within shards and between them. */
export function keepMoments(
  mean: Float32Array,
  variance: Float32Array,
  keep: number,
  shards: readonly Moments[],
): void {
  const samples = shards.reduce((sum, shard) => sum + shard.samples, 0)
  for (let c = 0; c < mean.length; c++) {
    let [first, second] = [0, 0]
    for (const shard of shards) {
      first += shard.samples * shard.mean[c]
      second += shard.samples * (shard.variance[c] + shard.mean[c] * shard.mean[c])
    }
    const now = first / samples
    mean[c] += (1 - keep) * (now - mean[c])
    variance[c] += (1 - keep) * (Math.max(0, second / samples - now * now) - variance[c])
  }
}
