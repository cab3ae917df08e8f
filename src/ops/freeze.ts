// Fixing input dimensions: `--shape NAME=1,3,224,224`. Everything inferred for other shapes is dropped first.
import { StudioError } from '../base/errors.ts'
import type { Model, Value, ValueName } from '../ir/model.ts'
import { show } from './dims.ts'
import { declaredDims, infer } from './infer.ts'

/** The model with the input shapes fixed, and everything inferred anew. */
export function freeze(model: Model, shapes: Readonly<Record<ValueName, readonly number[]>>): Model {
  const { graph } = model
  const values = new Map<ValueName, Value>()
  const given = new Map(Object.entries(shapes))
  for (const [name, value] of graph.values) {
    const wanted = given.get(name)
    if (wanted && graph.inputs.includes(name) && !value.data) values.set(name, frozenInput(value, wanted))
    else if (value.data || value.type || graph.inputs.includes(name)) values.set(name, value)
    else values.set(name, { ...value, shape: null })
    if (wanted && graph.inputs.includes(name) && !value.data) given.delete(name)
  }
  for (const [name, wanted] of given) {
    const inputs = graph.inputs.filter(n => !graph.values.get(n)?.data)
    if (!inputs.includes(name))
      throw new StudioError('usage', `The model has no input ${name}`, {
        where: { value: name },
        hint: `Its inputs are ${inputs.map(n => `${n} ${show(graph.values.get(n)?.shape ?? null)}`).join(', ')}.`,
      })
    values.set(name, { name, dtype: null, shape: wanted, data: null })
  }
  return infer({ ...model, graph: { ...graph, values } })
}

function frozenInput(value: Value, wanted: readonly number[]): Value {
  const declared = declaredDims(value.shape)
  const whole = wanted.every(d => Number.isInteger(d) && d >= 0)
  const fits =
    declared === null ||
    (declared.length === wanted.length && declared.every((d, i) => typeof d !== 'number' || d === wanted[i]))
  if (!whole || !fits)
    throw new StudioError(
      'usage',
      `The input ${value.name} is ${show(value.shape)} and cannot be fixed to ${show(wanted)}`,
      {
        where: { value: value.name },
        hint: 'Give a number for each of its dimensions; those that the model fixes must stay as they are.',
      },
    )
  return { ...value, shape: wanted }
}
