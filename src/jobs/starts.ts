// Where a changed model is started on the samples of a trial: at what it has in common with another, which is computed once.
import { changesFrom } from '../ir/changed.ts'
import type { Feeds } from '../ir/context.ts'
import type { Model, ValueName } from '../ir/model.ts'
import type { Trial } from '../recipe/steps/trial.ts'

export interface Start {
  values: readonly ValueName[]
  /** Batch by batch. */
  feeds: readonly Feeds[]
}

export interface Starts {
  /** Null: at its inputs. */
  of(changed: Model): Promise<Start | null>
}

// Of what is kept for the next, over all samples.
const mostBytes = 268435456

/** Those of models that `original` is changed to. The last one is kept: the next change is likely to begin there too. */
export function startsIn(original: Model, trial: Trial): Starts {
  let last: Start | null = null
  return {
    async of(changed) {
      const values = changesFrom(original.graph, changed.graph)
      if (values === null || values.every(name => original.graph.inputs.includes(name))) return null
      if (last?.values.join() === values.join()) return last
      last = null
      const start = { values, feeds: await trial.at(original, values) }
      const arrays = start.feeds.flatMap(fed => Object.values(fed))
      if (arrays.reduce((sum, { data }) => sum + data.byteLength, 0) <= mostBytes) last = start
      return start
    },
  }
}
