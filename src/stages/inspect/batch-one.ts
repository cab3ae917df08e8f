// The model as it runs on one sample: the first axis of an input is the batch, and 1 where the file leaves it open.
import { type Dim, type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import { declaredDims, infer } from '../../ops/infer.ts'

/** The model inferred for a batch of one; other open dimensions stay open. */
export function atBatchOne(model: Model): Model {
  const inputs = requiredInputs(model.graph)
  const declared = (name: ValueName): readonly Dim[] | null => declaredDims(model.graph.values.get(name)?.shape ?? null)
  const batch = new Set(inputs.map(name => declared(name)?.[0]).filter(d => typeof d === 'string'))
  const one = (dim: Dim): Dim => (typeof dim === 'string' && batch.has(dim) ? 1 : dim)
  const values = new Map(model.graph.values)
  for (const value of model.graph.values.values())
    if (value.shape && !value.data) values.set(value.name, { ...value, shape: value.shape.map(one) })
  for (const name of inputs) {
    const value = values.get(name)
    const shape = declared(name)
    if (value && shape) values.set(name, { ...value, shape: shape.map((d, i) => (i === 0 ? (one(d) ?? 1) : one(d))) })
  }
  return infer({ ...model, graph: { ...model.graph, values } }, { lenient: true })
}
