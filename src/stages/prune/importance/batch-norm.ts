// Importance by the scale that a BatchNormalization gives a channel (Liu et al., Network Slimming, 2017).
import { readFloats } from '../../../ir/bytes.ts'
import { averaged } from './normalize.ts'
import type { Importance } from './types.ts'

export const batchNorm: Importance = {
  id: 'bn',
  label: 'Scale of the BatchNormalization',
  needsData: false,
  async score(group, { model, bytes }) {
    const scales = new Set(model.graph.nodes.filter(n => n.op === 'BatchNormalization').map(n => n.inputs[1]))
    const lists: Float64Array[] = []
    for (const span of group.spans) {
      const tensor = scales.has(span.value) ? model.graph.values.get(span.value)?.data : null
      if (!tensor) continue
      const scale = await readFloats(bytes, tensor)
      lists.push(Float64Array.from(span.at, at => at.reduce((sum, i) => sum + Math.abs(scale[i]), 0)))
    }
    return averaged(lists)
  },
}
