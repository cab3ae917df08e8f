// How close two models are on the same samples: error of the outputs, and whether both give the same answer.
import type { KernelSet } from '../../ir/context.ts'
import type { ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { numbersOf } from '../../tasks/scores.ts'
import { ErrorSums } from './errors.ts'

/** What a task reads as the answer from one sample's outputs; null where there is no such thing. */
export type AnswerOf = (outputs: Readonly<Record<ValueName, NdArray>>) => string | number | null

const floatsOf = (array: NdArray): Float32Array =>
  array.data instanceof Float32Array ? array.data : Float32Array.from(numbersOf(array))

/** Where a model decides how much it gives (boxes, characters), what one has more stands against nothing. */
function alongside(a: Float32Array, b: Float32Array): [Float32Array, Float32Array] {
  const length = Math.max(a.length, b.length)
  const filled = (x: Float32Array): Float32Array => {
    if (x.length === length) return x
    const longer = new Float32Array(length)
    longer.set(x)
    return longer
  }
  return [filled(a), filled(b)]
}

export class Agreement {
  private readonly sums = new ErrorSums()
  private same = 0
  private answered = 0
  private samples = 0

  constructor(
    private readonly kernels: KernelSet,
    private readonly outputs: readonly ValueName[],
    private readonly answerOf: AnswerOf,
  ) {}

  /** One sample's outputs of both models. */
  add(reference: Readonly<Record<ValueName, NdArray>>, other: Readonly<Record<ValueName, NdArray>>): void {
    for (const name of this.outputs) {
      const a = reference[name]
      const b = other[name]
      if (a && b) this.sums.add(this.kernels, ...alongside(floatsOf(a), floatsOf(b)))
    }
    const wanted = this.answerOf(reference)
    if (wanted !== null) {
      this.answered++
      if (wanted === this.answerOf(other)) this.same++
    }
    this.samples++
  }

  result(): { top1: number | null; cosine: number; sqnrDb: number; samples: number } {
    const { cosine, sqnrDb } = this.sums
    return { top1: this.answered > 0 ? (100 * this.same) / this.answered : null, cosine, sqnrDb, samples: this.samples }
  }
}
