// Embeddings: vectors that are compared by their angle. There is nothing right or wrong in one alone, so what is measured is the
// cosine between a model's vector and the float model's.
import type { NdArray } from '../ir/tensor.ts'
import { numbersOf } from './scores.ts'
import type { TaskDef } from './types.ts'

/** Cosine of the angle between two vectors; 0 where one of them has no length. */
export function cosine(first: NdArray, second: NdArray): number {
  const a = numbersOf(first)
  const b = numbersOf(second)
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

export const embed: TaskDef = {
  id: 'embed',
  label: 'Embedding',
  options: {},
  guess: () => false, // by shape alone an embedding is no other than class scores
  open(model) {
    const name = model.graph.outputs[0]
    return {
      id: 'embed',
      metric: 'cosine with the float model',
      detail: null,
      binary: false,
      answer: () => null,
      score: (outputs, _, reference) => ({ value: cosine(outputs[name], reference[name]), top5: null, detail: null }),
    }
  },
}
