// A model as files of its target: in the operators that it has, with every dimension known where it wants that, by its format's exporter.
import { StudioError } from '../../base/errors.ts'
import { exporters } from '../../exporters/index.ts'
import type { WriteOptions, Written } from '../../exporters/types.ts'
import type { Context } from '../../ir/context.ts'
import { type Dim, type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { freeze } from '../../ops/freeze.ts'
import { infer } from '../../ops/infer.ts'
import { inOpsetOf, legalise } from './legalise.ts'

export interface Wish extends Omit<WriteOptions, 'bytes'> {
  /** Shapes that inputs had when they were fed. */
  fed: Readonly<Record<ValueName, readonly number[]>>
}

export async function write(
  model: Model,
  target: Target,
  wish: Wish,
  ctx: Context,
): Promise<Written & { model: Model }> {
  const exporter = exporters.find(e => e.id === target.exporter)!
  const { fed, ...options } = wish
  const given = inOpsetOf(wish.form === 'float' ? model : withinIr(model, target), target.limits)
  const notes: string[] = []
  // What is replaced may depend on shapes.
  const fixed = target.limits.staticShapes ? frozen(infer(given), fed, notes) : given
  const legal = await legalise(fixed, target, ctx)
  const ready = legal === fixed ? fixed : infer(legal)
  const written = await exporter.write(ready, target, { ...options, bytes: ctx.bytes })
  return { ...written, notes: [...notes, ...written.notes], model: ready }
}

/** A model that was changed for a target says no newer IR version than the target takes; one as imported stays as it is. */
const withinIr = (model: Model, { limits }: Target): Model => ({
  ...model,
  irVersion: Math.min(model.irVersion, limits.irVersion?.max ?? model.irVersion),
})

/** With the shapes that inputs were fed with, a batch of one; what is not known is refused. */
export function frozen(model: Model, fed: Wish['fed'], notes: string[]): Model {
  const shapes: Record<ValueName, number[]> = {}
  for (const name of requiredInputs(model.graph)) {
    const shape = model.graph.values.get(name)?.shape ?? null
    if (shape?.every(isKnown)) continue
    const seen = fed[name]
    const wanted = shape?.map((d, i) => (isKnown(d) ? d : i === 0 ? 1 : (seen?.[i] ?? null))) ?? seen
    if (!wanted || wanted.includes(null as never))
      throw new StudioError('unsupported', `The input ${name} has open dimensions, and the target wants them fixed`, {
        where: { value: name },
        hint: `Fix them with --shape ${name}=1,...`,
      })
    if (shape?.slice(1).some(d => !isKnown(d)))
      notes.push(
        `The input ${name} is fixed at [${wanted.join(', ')}], as the first sample was; --shape chooses others.`,
      )
    shapes[name] = wanted as number[]
  }
  return Object.keys(shapes).length > 0 ? freeze(model, shapes) : model
}

const isKnown = (d: Dim): d is number => typeof d === 'number' && d > 0
