// Training: shards of a batch by whatever threads are idle, their gradients summed in a fixed order, so that the result does not depend on
// how many threads there are. Everything drawn at a step follows from the seed and the step's number, and what has been reached is plain
// data: training that is cut off goes on to the same weights.
import { sum } from '../../base/sum.ts'
import type { Context, Learning } from '../../ir/context.ts'
import type { ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { type Learned, type Lesson, lessonTask } from './lesson.ts'
import type { Term } from './losses.ts'
import { follow, type Memory, type OptimizerName, remembering } from './optimizers.ts'
import { type ScheduleName, shareAt } from './schedule.ts'
import type { Trainee } from './trainee.ts'

export interface LoopOptions {
  /** Steps in all; null: as many as fit into the time. */
  steps: number | null
  /** Training ends after so many of them, all the same; null: after the last. */
  until: number | null
  seconds: number
  warmup: number
  rate: number
  /** Steps before the rate falls. */
  hold: number
  schedule: ScheduleName
  optimizer: OptimizerName
  momentum: number
  decay: number
  /** Largest norm of all gradients together; 0: any. */
  clip: number
  /** Decay, a step, of the running mean of the parameters, which is what is judged and kept; 0: they themselves are. */
  average: number
  /** Judged on what is held out after every so many steps; ended early when so many times in a row brought nothing (0: never). */
  every: number
  patience: number
}

/** Samples of a shard as the part is fed them, with what it should give. */
export interface Taught {
  feeds: ReadonlyMap<ValueName, NdArray>
  /** Of this shard alone: freed with the step. */
  targets: ReadonlyMap<ValueName, NdArray>
  labels: Lesson['labels']
}

export interface Lessons {
  terms: readonly Term[]
  /** The shards of a step, prepared one by one, and how many samples they have together. */
  shards(step: number): { of: number; prepare: readonly (() => Promise<Taught>)[] }
  held: { of: number; shards: readonly Taught[] }
  /** Steps after which a teacher has been asked all that he will be, so that later ones are faster. */
  settled: number
}

/** All that training goes on from. */
export interface Progressed {
  step: number
  /** Of all steps, once that is known. */
  total: number | null
  /** Steps before the rate falls: as many as it took to know the number of all, or more. */
  hold: number
  elapsed: number // milliseconds
  parameters: Float32Array[]
  averages: Float32Array[]
  memories: Memory[]
  /** Loss of each step, and of the held-out samples. */
  curve: number[]
  held: { step: number; loss: number }[]
  best: { step: number; loss: number; parameters: Float32Array[] }
  ended: 'steps' | 'time' | 'patience' | null
}

/** Where a host keeps what has been reached. */
export interface Checkpoint {
  load(): Promise<Progressed | null>
  save(reached: Progressed): Promise<void>
}

// Steps whose time says how many fit: the first few are slower. Until that is said the rate does not fall, so that it should not take long.
const timed = { from: 10, to: 20, share: 0.05 }
// Of the time that is left, what is counted on: hiccups take time too, and the rate should have come down before the time is up.
const sure = 0.97
// Later steps are waited for, where they are faster, as long as less than this share of all steps has gone by.
const waited = 0.5
/** Milliseconds between checkpoints, and how many times longer than one takes to be kept. */
const between = { least: 5000, times: 20 }

// A loss that leaves nothing to learn: what it is made of agrees to within what float32 tells apart.
const learned = 1e-9
// A chart is no wider.
const mostPoints = 200

export function learningOf({ curve, held }: Pick<Progressed, 'curve' | 'held'>): Learning {
  const each = Math.max(1, Math.ceil(curve.length / mostPoints))
  const steps = Array.from({ length: Math.ceil(curve.length / each) }, (_, k) => {
    const some = curve.slice(k * each, (k + 1) * each)
    return { step: k * each + some.length, loss: sum(some) / some.length }
  })
  return { steps, held: [...held] }
}

/** Leaves the parameters at their best on the held-out samples. Takes no step where these leave nothing to learn. */
export async function train(
  trainee: Trainee,
  lessons: Lessons,
  options: LoopOptions,
  checkpoint: Checkpoint,
  stage: string,
  ctx: Context,
): Promise<Progressed> {
  const reached = (await checkpoint.load()) ?? (await start(trainee, lessons, options, ctx))
  trainee.parameters.forEach((p, i) => {
    p.values.set(reached.parameters[i])
  })
  reached.parameters = trainee.parameters.map(p => p.values)
  const before = reached.elapsed
  const began = ctx.clock()
  const elapsed = (): number => before + ctx.clock() - began
  if (reached.step > 0) ctx.progress({ stage, done: reached.step, total: reached.total, learning: learningOf(reached) })
  let [saved, due] = [elapsed(), between.least]
  let next = null as Begun | null
  let timedFrom = reached.step < timed.from ? { step: reached.step, time: elapsed() } : { step: 0, time: 0 }
  try {
    while (reached.ended === null) {
      ctx.signal.throwIfAborted()
      if (reached.step === timed.from || reached.step === lessons.settled + timed.from)
        timedFrom = { step: reached.step, time: elapsed() }
      const since = elapsed() - timedFrom.time
      if (reached.total === null && reached.step >= timed.to && since >= timed.share * 1000 * options.seconds) {
        const each = since / Math.max(1, reached.step - timedFrom.step)
        const room = (sure * (1000 * options.seconds - elapsed())) / Math.max(each, 1e-3)
        const total = reached.step + Math.max(1, Math.floor(room))
        const known = lessons.settled + timed.to
        if (reached.step >= known || known > waited * total) {
          reached.total = total
          reached.hold = Math.max(options.hold, reached.step)
        }
      }
      const now = next ?? begun(lessons, reached.step)
      next = now
      await step(trainee, lessons.terms, now, options, reached, ctx, () => {
        if (now.step + 1 < (options.until ?? reached.total ?? Number.POSITIVE_INFINITY))
          next = begun(lessons, now.step + 1)
      })
      average(reached, options.average)
      const last = reached.step === (options.until ?? reached.total)
      const late = options.until === null && options.steps === null && elapsed() >= 1000 * options.seconds
      const judging = last || late || reached.step % options.every === 0
      if (judging) {
        const loss = await judgedAt(reached.averages, trainee, lessons, ctx)
        reached.held.push({ step: reached.step, loss })
        if (loss < reached.best.loss)
          reached.best = { step: reached.step, loss, parameters: reached.averages.map(values => values.slice()) }
        const idle = reached.held.filter(h => h.step > reached.best.step).length
        const tired = options.patience > 0 && idle >= options.patience
        reached.ended = last ? 'steps' : late ? 'time' : tired ? 'patience' : null
      }
      reached.elapsed = elapsed()
      const total = options.until ?? reached.total
      const loss = `loss ${reached.curve.at(-1)!.toPrecision(3)}, held out ${reached.held.at(-1)!.loss.toPrecision(3)}`
      const left = total === null ? null : Math.ceil(((total - reached.step) * reached.elapsed) / reached.step / 60_000)
      const note = left === null ? loss : `${loss}, ${left} min left`
      ctx.progress({ stage, done: reached.step, total, note, ...(judging && { learning: learningOf(reached) }) })
      if (reached.elapsed - saved < due && reached.ended === null) continue
      await checkpoint.save(reached)
      saved = elapsed()
      due = Math.max(between.least, between.times * (saved - reached.elapsed))
    }
  } finally {
    // What teaches must not be closed under a step that was begun in vain.
    await next?.settled
  }
  trainee.parameters.forEach((p, i) => {
    p.values.set(reached.best.parameters[i])
  })
  return reached
}

async function start(trainee: Trainee, lessons: Lessons, options: LoopOptions, ctx: Context): Promise<Progressed> {
  const loss = await judged(trainee, lessons, ctx)
  const parameters = trainee.parameters.map(p => p.values.slice())
  return {
    step: 0,
    total: options.steps,
    hold: options.hold,
    elapsed: 0,
    parameters,
    averages: parameters.map(p => p.slice()),
    memories: trainee.parameters.map(p => remembering(options.optimizer, p.values.length)),
    curve: [],
    held: [{ step: 0, loss }],
    best: { step: 0, loss, parameters: parameters.map(p => p.slice()) },
    ended: loss <= learned ? 'patience' : null,
  }
}

function lessonFor(trainee: Trainee, terms: readonly Term[], of: number, learn: boolean): (taught: Taught) => Lesson {
  const { part } = trainee
  const { arrays, rounded } = trainee.settle()
  return ({ feeds, targets, labels }) => ({
    nodes: learn ? trainee.nodes : part.nodes,
    given: new Map([...part.constants, ...arrays, ...feeds]),
    rounded,
    learned: new Set(learn ? part.learned : []),
    terms,
    targets,
    labels,
    of,
  })
}

async function judged(trainee: Trainee, { terms, held }: Lessons, ctx: Context): Promise<number> {
  const lesson = lessonFor(trainee, terms, held.of, false)
  const found: Learned[] = await Promise.all(held.shards.map(taught => ctx.perform(lessonTask, lesson(taught))))
  return sum(found.map(({ losses }) => sum(losses)))
}

/** The loss that the trainee would have with other parameters. */
async function judgedAt(
  parameters: readonly Float32Array[],
  trainee: Trainee,
  lessons: Lessons,
  ctx: Context,
): Promise<number> {
  const own = trainee.parameters.map(p => p.values.slice())
  const set = (all: readonly Float32Array[]): void =>
    trainee.parameters.forEach((p, i) => {
      p.values.set(all[i])
    })
  set(parameters)
  const loss = await judged(trainee, lessons, ctx)
  set(own)
  return loss
}

/** Single steps are noisy, their mean is less so (Polyak and Juditsky, 1992). It follows faster at first, when there is little to average. */
function average({ step, parameters, averages }: Progressed, decay: number): void {
  const keep = Math.min(decay, (1 + step) / (10 + step))
  for (const [i, to] of averages.entries())
    for (let k = 0; k < to.length; k++) to[k] += (1 - keep) * (parameters[i][k] - to[k])
}

/** The shards of a step in the making. */
interface Begun {
  step: number
  of: number
  taught: readonly Promise<Taught>[]
  /** Comes when all are taught or have failed, and never fails itself. */
  settled: Promise<unknown>
}

function begun({ shards }: Lessons, step: number): Begun {
  const { of, prepare } = shards(step)
  const taught = prepare.map(get => get())
  return { step, of, taught, settled: Promise.allSettled(taught) }
}

/** `ahead` is called while the last lessons are computed: threads that have no more of these can prepare the next step's meanwhile. */
async function step(
  trainee: Trainee,
  terms: readonly Term[],
  { of, taught }: Begun,
  options: LoopOptions,
  reached: Progressed,
  ctx: Context,
  ahead: () => void,
): Promise<void> {
  const lesson = lessonFor(trainee, terms, of, true)
  const shards = await Promise.all(taught)
  const lessons = shards.map(one => ctx.perform(lessonTask, lesson(one)))
  ahead()
  const found = await Promise.all(lessons)
  const sums = new Map<ValueName, Float32Array>()
  for (const { gradients } of found)
    for (const [name, gradient] of gradients) {
      const sum = sums.get(name)
      if (sum) for (let i = 0; i < sum.length; i++) sum[i] += gradient[i]
      else sums.set(name, gradient)
    }
  const gradients = trainee.gradients(sums)
  shorten(gradients, options.clip)
  const share = shareAt(options.schedule, reached.step, reached.total, options.warmup, reached.hold)
  for (const [i, { values, rate, size, decays }] of trainee.parameters.entries())
    follow(options.optimizer, reached.memories[i], values, gradients[i], {
      rate: options.rate * share * rate,
      size,
      momentum: options.momentum,
      decay: decays ? options.decay : 0,
    })
  trainee.observe(found.map(({ moments }) => moments))
  reached.step++
  reached.curve.push(sum(found.map(({ losses }) => sum(losses))))
  ctx.runner.discard([found, shards.map(({ targets }) => targets)])
}

/** Gradients that are together longer than `most` are shortened to that (Pascanu et al. 2013). */
function shorten(gradients: readonly Float32Array[], most: number): void {
  if (most === 0) return
  let square = 0
  for (const gradient of gradients) for (const g of gradient) square += g * g
  const norm = Math.sqrt(square)
  if (!(norm > most)) return
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) gradient[i] *= most / norm
}
