// Shape computations (Shape, Size, and what Gather, Slice, Concat and integer arithmetic make of their results) become constants as soon
// as the dims are known. Where only some dims of a Reshape target are, it becomes a constant too: 0 copies a dim, -1 stands for the rest.

import type { Editor } from '../../ir/edit.ts'
import { edit } from '../../ir/edit.ts'
import type { Dim, Node, ValueName } from '../../ir/model.ts'
import { attrInt } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import { factsOfModel } from '../../ops/infer.ts'
import type { Fact, Scalar } from '../../ops/types.ts'
import { fromNumbers } from './constant.ts'
import { sameDim, shapeOf } from './known-shape.ts'
import { isOp, opsetOf, removeUnused } from './rule.ts'
import type { Change, Pass, Skipped } from './types.ts'

export const foldShapes = {
  id: 'fold-shapes',
  label: 'Replace shape computations by their results',
  level: 'exact',
  run(model) {
    const facts = factsOfModel(model)
    const changes: Change[] = []
    const skipped: Skipped[] = []
    const graph = edit(model.graph, e => {
      for (const { id } of model.graph.nodes) {
        const node = e.node(id)
        if (!node) continue
        const done = foldValue(node, facts, e) ?? (opsetOf(model) >= 5 ? foldTarget(node, facts, e) : null)
        if (typeof done === 'string') {
          changes.push({ node: id, what: done })
          for (const name of node.inputs) removeUnused(e, name)
        } else if (done) skipped.push({ node: id, ...done })
      }
    })
    return { model: graph === model.graph ? model : { ...model, graph }, changes, skipped }
  },
} as const satisfies Pass

function foldValue(node: Node, facts: ReadonlyMap<ValueName, Fact>, e: Editor): string | { why: string } | null {
  const [output, ...others] = node.outputs
  if (output === null || others.some(name => name !== null) || isOp(node, 'Constant')) return null
  const fact = facts.get(output)
  const { dtype, shape, content } = fact ?? { dtype: null, shape: null }
  if (dtype !== 'int64' && dtype !== 'int32' && dtype !== 'bool') return null
  const fixed = shape?.every(d => typeof d === 'number') ? (shape as number[]) : null
  const known = content?.every(v => typeof v === 'number') ? (content as number[]) : null
  if (!fixed || !known) return isOp(node, 'Shape', 'Size') ? { why: 'a dimension is not known' } : null
  if (e.isOutput(output)) return { why: `${output} is an output of the graph` }
  const tensor = fromNumbers(dtype, fixed, known)
  e.removeNode(node.id)
  e.setValue({ ...e.value(output), name: output, dtype, shape: fixed, data: tensor })
  return `${node.op} is always [${known.join(', ')}]`
}

function foldTarget(node: Node, facts: ReadonlyMap<ValueName, Fact>, e: Editor): string | { why: string } | null {
  const [x, target] = node.inputs
  if (!isOp(node, 'Reshape') || x === null || target === null || e.constant(target)) return null
  const content = facts.get(target)?.content
  if (!content) return { why: 'the target of the Reshape is not known' }
  if (attrInt(node, 'allowzero', 0) !== 0) return { why: 'a 0 in its target is no copy' }
  const from = shapeOf(e, x)
  const entries = content.map((entry, i) => entryFor(entry, from?.[i]))
  if (entries.filter(v => v === -1).length > 1) return { why: 'more than one entry of its target is not known' }
  const name = e.addInitializer(`${node.outputs[0]}.shape`, int64s(entries))
  e.updateNode(node.id, { inputs: [x, name] })
  return `its target is [${entries.join(', ')}]`
}

const entryFor = (entry: Scalar, dim: Dim | undefined): number =>
  typeof entry === 'number' ? entry : sameDim(dim, entry) ? 0 : -1
