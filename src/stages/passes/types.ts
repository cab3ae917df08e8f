// What a graph optimisation is: a semantics-preserving rewrite of a whole model, with an account of what it did and why it left a candidate.
import type { Context } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'

export interface Change {
  node: string // id of the node that went or changed
  what: string
}
export interface Skipped {
  node: string
  why: string
}
export interface PassResult {
  model: Model // the same object when nothing changed
  changes: readonly Change[]
  skipped: readonly Skipped[]
}

export interface Pass {
  id: string
  label: string
  /** 'exact': outputs equal to the bit; 'close': to 1e-5 relative, since arithmetic is reordered. */
  level: 'exact' | 'close'
  /** Run only where it is asked for by name: a replacement for targets that lack an operator. */
  onRequest?: boolean
  run(model: Model, ctx: Pick<Context, 'bytes' | 'runner' | 'signal'>): PassResult | Promise<PassResult>
}
