// How close two models are on the same samples: error of the outputs, and whether both give the same answer.
import type { KernelSet } from '../../ir/context.ts'
import type { ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { Agreement as AgreementReport } from '../../jobs/report.ts'
import { numbersOf } from '../../tasks/scores.ts'
import type { Agreeing, Task } from '../../tasks/types.ts'
import { ErrorSums } from './errors.ts'

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
  private samples = 0
  private readonly answers: Agreeing | null

  constructor(
    private readonly kernels: KernelSet,
    private readonly outputs: readonly ValueName[],
    private readonly task: Pick<Task, 'binary' | 'agreeing'> | null,
  ) {
    this.answers = task?.agreeing() ?? null
  }

  /** One sample's outputs of both models; gives its squared error. */
  add(reference: Readonly<Record<ValueName, NdArray>>, other: Readonly<Record<ValueName, NdArray>>): number {
    const before = this.sums.noise
    for (const name of this.outputs) {
      const a = reference[name]
      const b = other[name]
      if (a && b) this.sums.add(this.kernels, ...alongside(floatsOf(a), floatsOf(b)))
    }
    this.answers?.add(reference, other)
    this.samples++
    return this.sums.noise - before
  }

  result(): AgreementReport {
    const { cosine, sqnrDb } = this.sums
    const answers = this.answers?.result() ?? null
    const whole = this.task?.binary ? answers : null
    return { top1: whole?.value ?? null, cosine, sqnrDb, samples: this.samples, answers }
  }
}
