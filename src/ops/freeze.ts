// Fixing input dimensions: `--shape NAME=1,3,224,224`. Everything inferred for other shapes is dropped first.
import { StudioError } from '../base/errors.ts'
import type { Model, Value, ValueName } from '../ir/model.ts'
import { show } from './dims.ts'
import { declaredDims, infer, isTensor } from './infer.ts'

/** The model with the input shapes fixed, and everything inferred anew. */
export function freeze(model: Model, shapes: Readonly<Record<ValueName, readonly number[]>>): Model {
  const { graph } = model
  const inputs = graph.inputs.filter(name => !graph.values.get(name)?.data)
  const values = new Map<ValueName, Value>()
  for (const [name, value] of graph.values) {
    const kept = value.data !== null || !isTensor(value) || inputs.includes(name)
    values.set(name, kept ? value : { ...value, shape: null })
  }
  for (const [name, wanted] of Object.entries(shapes)) {
    if (!inputs.includes(name))
      throw new StudioError('usage', `The model has no input ${name}`, {
        where: { value: name },
        hint: `Its inputs are ${inputs.map(n => `${n} ${show(values.get(n)?.shape ?? null)}`).join(', ')}.`,
      })
    values.set(name, frozenInput(name, values.get(name) ?? null, wanted))
  }
  return infer({ ...model, graph: { ...graph, values } })
}

function frozenInput(name: ValueName, value: Value | null, wanted: readonly number[]): Value {
  const declared = declaredDims(value?.shape ?? null)
  const whole = wanted.every(d => Number.isInteger(d) && d >= 0)
  const fits =
    declared === null ||
    (declared.length === wanted.length && declared.every((d, i) => typeof d !== 'number' || d === wanted[i]))
  if (!whole || !fits || (value && !isTensor(value)))
    throw new StudioError(
      'usage',
      `The input ${name} is ${show(value?.shape ?? null)}, and cannot be ${show(wanted)}`,
      {
        where: { value: name },
        hint: 'Give a number for each of its dimensions; those that the model fixes must stay as they are.',
      },
    )
  // The wire form of the type would keep the old shape.
  return { ...(value ?? { name, dtype: null, data: null }), type: undefined, shape: wanted }
}
