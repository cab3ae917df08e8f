// Runs the passes in their order, round after round, until a round changes nothing. Shapes are inferred anew after every change, from
// inputs and initializers alone: what a file declares of inner values may be older than its weights.
import type { Context } from '../../ir/context.ts'
import type { Model, Value } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import type { Change, Pass, Skipped } from './types.ts'

export interface OptimizeOptions<Id extends string> {
  /** These passes and no others; the only way to run those that run on request. */
  only?: readonly Id[]
  except?: readonly Id[]
  maxRounds?: number
}

export type PassContext = Pick<Context, 'bytes' | 'runner' | 'signal'> & Partial<Pick<Context, 'progress'>>

export interface PassAccount<Id extends string> {
  id: Id
  changes: Change[]
  /** What was left in the last round, and why. */
  skipped: Skipped[]
}

export interface Optimized<Id extends string> {
  model: Model // the same object when nothing changed
  passes: PassAccount<Id>[]
  nodesBefore: number
  nodesAfter: number
}

/** Applies the passes until none of them finds anything. */
export async function toFixedPoint<Id extends string>(
  passes: readonly (Pass & { id: Id })[],
  model: Model,
  ctx: PassContext,
  { only, except = [], maxRounds = 20 }: OptimizeOptions<Id> = {},
): Promise<Optimized<Id>> {
  const accounts: PassAccount<Id>[] = []
  const active = passes
    .filter(pass => (only ? only.includes(pass.id) : !pass.onRequest) && !except.includes(pass.id))
    .map(pass => {
      const account: PassAccount<Id> = { id: pass.id, changes: [], skipped: [] }
      accounts.push(account)
      return { pass, account }
    })

  const start = infer(withoutInnerShapes(model))
  let current = start
  for (let round = 0; round < maxRounds; round++) {
    const before = current
    for (const [i, { pass, account }] of active.entries()) {
      ctx.signal.throwIfAborted()
      ctx.progress?.({ stage: 'optimize', done: i, total: active.length, note: pass.label })
      const result = await pass.run(current, ctx)
      account.changes.push(...result.changes)
      account.skipped = [...result.skipped]
      if (result.model !== current) current = infer(result.model)
    }
    if (current === before) break
  }
  return {
    model: current === start ? model : finished(current, model),
    passes: accounts,
    nodesBefore: model.graph.nodes.length,
    nodesAfter: current.graph.nodes.length,
  }
}

function withoutInnerShapes(model: Model): Model {
  const { graph } = model
  const inputs = new Set(graph.inputs)
  const values = new Map<string, Value>()
  for (const [name, value] of graph.values)
    values.set(name, value.data || value.type || inputs.has(name) ? value : { ...value, shape: null })
  return { ...model, graph: { ...graph, values } }
}

/** What the file declares of its outputs is part of its interface. */
function finished(model: Model, original: Model): Model {
  const values = new Map(model.graph.values)
  for (const name of original.graph.outputs) {
    const declared = original.graph.values.get(name)
    if (declared && !values.get(name)?.data) values.set(name, declared)
  }
  // Before version 4, initializers had to be inputs as well, which those that passes add are not.
  return { ...model, irVersion: Math.max(model.irVersion, 4), graph: { ...model.graph, values } }
}
