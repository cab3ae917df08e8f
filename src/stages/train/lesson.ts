// One shard of a batch, forwards and, where something is to be learned, backwards: a task for any thread.
import type { Task } from '../../ir/context.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { RoundedRead } from '../../ir/training.ts'
import { type Moments, momentsIn } from './batch-statistics.ts'
import { lossOf, type Term } from './losses.ts'
import { network } from './network.ts'

export interface Lesson {
  nodes: readonly Node[]
  /** Every value that the nodes read and do not make. */
  given: ReadonlyMap<ValueName, NdArray>
  rounded: ReadonlyMap<ValueName, RoundedRead>
  /** Of `given`, what gradients are wanted of; empty where only the loss is asked for. */
  learned: ReadonlySet<ValueName>
  terms: readonly Term[]
  /** What the values of the terms should be; of a term with labels there is none. */
  targets: ReadonlyMap<ValueName, NdArray>
  labels: readonly (readonly [number, number][])[] | null
  /** Samples in the whole batch. */
  of: number
}

export interface Learned {
  losses: number[] // of each term
  gradients: Map<ValueName, Float32Array>
  moments: Map<ValueName, Moments>
}

export const lessonTask: Task<Lesson, Learned> = {
  id: 'train/lesson',
  run({ nodes, given, rounded, learned, terms, targets, labels, of }, kernels, spare) {
    const run = network(nodes, learned, rounded, kernels).forward(given, () => 1)
    const losses: number[] = []
    const start = new Map<ValueName, Float32Array>()
    for (const term of terms) {
      const { loss, gradient } = lossOf(term, run.value(term.value), targets.get(term.value) ?? null, labels, of)
      losses.push(loss)
      const before = start.get(term.value)
      if (before) for (let i = 0; i < before.length; i++) before[i] += gradient[i]
      else start.set(term.value, gradient)
    }
    const gradients = learned.size > 0 ? run.backward(start) : new Map<ValueName, Float32Array>()
    const moments = momentsIn(nodes, run)
    spare([run.made(), start])
    return { losses, gradients, moments }
  },
}
