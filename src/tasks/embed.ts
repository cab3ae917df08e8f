// Embeddings: vectors that are compared by their angle. Labelled samples are judged by recall@1: whether of all other samples the one
// at the smallest angle has the same label. Without labels there is nothing right or wrong in a vector alone: what is measured is
// the cosine between a model's vector and the float model's.

import * as v from 'valibot'
import { value } from '../base/options.ts'
import { nameOf } from './label-kinds.ts'
import { numbersAt } from './scores.ts'
import type { Agreeing, Label, Outputs, Pooled, TaskDef } from './types.ts'

const options = { output: value('Output: vector', v.nullable(v.string()), null) }

/** Cosine of the angle between two vectors; 0 where one of them has no length. */
function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i]
    aa += a[i] * a[i]
    bb += b[i] * b[i]
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb)
}

interface Labelled {
  vector: Float32Array
  label: string
}

const neighbours = new WeakMap<readonly Labelled[], (boolean | null)[]>()

/** Whether each one's nearest has its label; null of a label that no other has. */
function nearestRight(records: readonly Labelled[]): (boolean | null)[] {
  const known = neighbours.get(records)
  if (known) return known
  const counts = new Map<string, number>()
  for (const { label } of records) counts.set(label, (counts.get(label) ?? 0) + 1)
  const right = records.map(({ vector, label }, i) => {
    if (counts.get(label) === 1) return null
    let [best, at] = [Number.NEGATIVE_INFINITY, -1]
    for (const [k, other] of records.entries()) {
      if (k === i) continue
      const near = cosine(vector, other.vector)
      if (near > best) [best, at] = [near, k]
    }
    return at >= 0 && records[at].label === label
  })
  neighbours.set(records, right)
  return right
}

const pooledOn = (vectorOf: (outputs: Outputs) => Float32Array): Pooled<Labelled> => ({
  record: (outputs, label: Label) => ({ vector: vectorOf(outputs), label: nameOf(label) }),
  value(records, times) {
    let [right, all] = [0, 0]
    for (const [i, hit] of nearestRight(records).entries()) {
      if (hit === null) continue
      const weight = times ? times[i] : 1
      all += weight
      if (hit) right += weight
    }
    return all === 0 ? null : right / all
  },
  detail: () => null,
})

export const embed: TaskDef = {
  id: 'embed',
  label: 'Embedding',
  options,
  guess: () => null, // by shape alone an embedding is no other than class scores
  open(model, given) {
    const name = typeof given.output === 'string' ? given.output : model.graph.outputs[0]
    const vectorOf = (outputs: Outputs): Float32Array => Float32Array.from(numbersAt(outputs, name))
    const alike = (reference: Outputs, other: Outputs): number => cosine(vectorOf(reference), vectorOf(other))
    return {
      id: 'embed',
      metric: 'recall@1',
      detail: null,
      binary: false,
      rightAtOne: false,
      answer: outputs => ({ kind: 'vector', values: vectorOf(outputs) }),
      alike,
      agreeing: () => agreeing(alike),
      score: (outputs, _, reference) => ({ value: alike(reference, outputs), top5: null, detail: null }),
      pooled: pooledOn(vectorOf) as Pooled<unknown>,
    }
  },
}

function agreeing(alike: (reference: Outputs, other: Outputs) => number): Agreeing {
  let [sum, count, least] = [0, 0, 1]
  return {
    add(reference, other) {
      const near = alike(reference, other)
      sum += near
      count++
      least = Math.min(least, near)
    },
    result: () =>
      count === 0
        ? null
        : {
            metric: 'mean cosine with the original',
            value: sum / count,
            unit: '',
            details: [{ metric: 'lowest cosine with the original', value: least, unit: '' }],
          },
  }
}
