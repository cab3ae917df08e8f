// Samples and a teacher's answers to them, batch after batch, for the steps that train.
import { StudioError } from '../../base/errors.ts'
import type { Rng } from '../../base/rng.ts'
import { bytesPerSample, stack, stackable, unstack } from '../../ir/batches.ts'
import type { Context, Dataset, Feeds, Sample, Session } from '../../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { answering } from '../../stages/train/answers.ts'
import { type Augmentation, isImage } from '../../stages/train/augment.ts'
import type { Lessons, Taught } from '../../stages/train/loop.ts'
import type { Term } from '../../stages/train/losses.ts'
import type { Part } from '../../stages/train/trainee.ts'
import type { StepEnv } from '../state.ts'
import { type Shown, sameShapes, showing, unchanged } from './shown.ts'
import type { TrainingOptions } from './training-options.ts'

/** All samples in memory, the first so many where more would not fit. */
export interface Material {
  name: string
  samples: readonly Sample[]
  notes: readonly string[]
}

// Bytes of prepared samples that are kept.
const room = 805306368
const fewest = 16
/** Samples of a shard: enough to fill a thread, few enough that two to eight threads share a batch. */
const shardOf = 8
const mostHeld = 256

export async function materialFor(step: string, labelled: boolean, env: StepEnv): Promise<Material> {
  const data = env.training ?? env.calibration
  if (!data)
    throw new StudioError('bad-recipe', `The step ${step} needs training samples`, {
      where: { step },
      hint: 'Give them with --train, or with --data, which serves both; take the step out of the recipe if there are none.',
    })
  if (labelled && data.labels !== 'class')
    throw new StudioError('bad-data', `The samples of ${data.name} have no classes to learn from`, {
      where: { file: data.name, step },
      hint: 'Give labels (folders by class, labels.csv, or an array named labels), or use the step distil, which needs none.',
    })
  return read(data, step, env)
}

/** What is wrong with the number of samples, so far as that is known before they are read. */
export function shortage(step: string, { training, calibration }: StepEnv): StudioError | null {
  const data = training ?? calibration
  if (!data) return null
  const usable = data.size - data.skipped.length
  return usable < fewest ? tooFew(data.name, usable, step) : null
}

const tooFew = (file: string, usable: number, step: string): StudioError =>
  new StudioError('bad-data', `${file} has ${usable} usable samples; training wants at least ${fewest}`, {
    where: { file, step },
    hint: 'Give more samples, some hundreds or better thousands.',
  })

async function read(data: Dataset, step: string, { ctx }: StepEnv): Promise<Material> {
  const samples: Sample[] = []
  let bytes = 0
  for await (const sample of data.samples({ signal: ctx.signal })) {
    ctx.signal.throwIfAborted()
    const size = Object.values(sample.feeds).reduce((n, a) => n + a.data.byteLength, 0)
    if (bytes + size > room) break
    bytes += size
    samples.push(sample)
    if (samples.length % 256 === 0)
      ctx.progress({ stage: step, done: samples.length, total: data.size, note: 'reading' })
  }
  if (samples.length < fewest) throw tooFew(data.name, samples.length, step)
  const left = data.size - data.skipped.length - samples.length
  return {
    name: data.name,
    samples,
    notes:
      bytes > 0 && left > 0
        ? [`Training went by the first ${samples.length} samples of ${data.name}; more do not fit into memory.`]
        : [],
  }
}

export interface Opened {
  lessons: Lessons
  close(): Promise<void>
}

export interface Given {
  part: Part
  student: Model
  teacher: Model | null
  /** Values that the teacher is asked for, and under which names the loss looks for them. */
  wanted: ReadonlyMap<ValueName, ValueName>
  /** The teacher's names of the student's inputs, where they are others. */
  fedAs?: ReadonlyMap<ValueName, ValueName> | null
  /** Versions of each sample that the teacher is asked about; 0: any number. */
  views?: number
}

/**
 * `terms` are made of the mean squares of what the teacher gives for the held-out samples. `labelOffset` is added to labels. Values that the
 * part is fed and that are no inputs are computed by the student's own rest.
 */
export async function openLessons(
  { part, student, teacher, wanted, fedAs, views = 0 }: Given,
  terms: (meanSquare: (name: ValueName) => number) => Term[],
  material: Material,
  o: TrainingOptions,
  labelOffset: number | null,
  ctx: Context,
): Promise<Opened> {
  const chosen = new Set(o.augment as readonly Augmentation[])
  checkAugmentable(chosen, material)
  const inputs = new Set(requiredInputs(student.graph))
  const computed = part.fed.filter(name => !inputs.has(name))
  const sessions: Session[] = []
  const open = async (model: Model, outputs: readonly ValueName[]): Promise<Session | null> => {
    if (outputs.length === 0) return null
    const session = await ctx.runner.open(model, { outputs })
    sessions.push(session)
    return session
  }
  const rest = await open(student, computed)
  // A GPU that answers leaves the processor to the student.
  const answer =
    teacher && ctx.kernels.backend === 'wasm' ? await answering(teacher.graph, [...wanted.keys()], ctx) : null
  const session = teacher && !answer ? await open(teacher, [...wanted.keys()]) : null
  const asked = answer ?? (session && ((feeds: Feeds) => session.run(feeds)))
  const ask = (feeds: Feeds): Promise<Feeds> =>
    asked!(Object.fromEntries(Object.entries(copied(feeds)).map(([name, a]) => [fedAs?.get(name) ?? name, a])))
  const answers = asked && remembering(ask)
  const rng = ctx.rng.fork('train')

  const taught = async (shown: readonly Shown[]): Promise<Taught> => {
    const { feeds } = stack(shown.map(({ sample }) => sample))
    const [before, targets] = await Promise.all([
      rest?.run(copied(feeds)),
      answers?.(
        shown.map(({ key }) => key),
        feeds,
      ),
    ])
    return {
      feeds: new Map([
        ...Object.entries(feeds).filter(([name]) => part.fed.includes(name)),
        ...Object.entries(before ?? {}),
      ]),
      targets: new Map(Object.entries(targets ?? {}).map(([name, array]) => [wanted.get(name)!, array])),
      labels:
        labelOffset === null
          ? null
          : shown.map(({ parts }) => parts.map(([sample, share]) => [labelIn(sample, labelOffset), share])),
    }
  }

  const order = shuffled(material.samples.length, rng.fork('held'))
  const kept = Math.max(4, Math.min(mostHeld, Math.floor(o.held * order.length)))
  const heldOut = order.slice(0, kept).map(i => unchanged(material.samples[i], null))
  const own = order.slice(kept).map(i => material.samples[i])
  const show = showing(own, { chosen, views }, rng)
  const each = bytesPerSample(
    student.graph,
    part.nodes.flatMap(n => n.outputs as ValueName[]),
  )
  const alike = material.samples.every(s => sameShapes(s.feeds, material.samples[0].feeds))
  const size =
    stackable(student.graph) && alike ? Math.max(1, Math.min(shardOf, Math.floor(268435456 / Math.max(1, each)))) : 1

  const batch = Math.min(o.batch, own.length)
  const perEpoch = Math.max(1, Math.floor(own.length / batch))
  const shards: Taught[] = []
  for (const some of chunks(heldOut, size)) shards.push(await taught(some))
  const squares = meanSquares(shards)
  return {
    lessons: {
      terms: terms(name => squares.get(name) ?? 1),
      held: { of: heldOut.length, shards },
      settled: answers ? views * perEpoch : 0,
      shards(step) {
        const epoch = Math.floor(step / perEpoch)
        const at = (step % perEpoch) * batch
        const picked = shuffled(own.length, rng.fork(`epoch-${epoch}`)).slice(at, at + batch)
        const prepare = chunks(picked, size).map(some => () => taught(some.map(i => show(i, epoch))))
        return { of: picked.length, prepare }
      },
    },
    close: async () => {
      for (const session of sessions) await session.close()
    },
  }
}

// Bytes of a teacher's answers that are kept.
const roomForAnswers = 268435456

/** What a teacher answers to samples that come again is asked once; each answer is whoever asks's own. */
function remembering(
  ask: (feeds: Feeds) => Promise<Feeds>,
): (keys: readonly Shown['key'][], feeds: Feeds) => Promise<Feeds> {
  const known = new Map<string, Feeds>()
  let bytes = 0
  return async (keys, feeds) => {
    const all = keys.map(key => (key === null ? undefined : known.get(key)))
    if (all.every(answer => answer !== undefined)) {
      const samples = all.map((feeds, index) => ({ name: `${keys[index]}`, index, feeds: feeds!, label: null }))
      const { feeds } = stack(samples)
      return samples.length === 1 ? copied(feeds) : feeds
    }
    const got = await ask(feeds)
    for (const [i, key] of keys.entries()) {
      if (key === null || known.has(key) || bytes > roomForAnswers) continue
      const own = copied(Object.fromEntries(Object.entries(got).map(([name, a]) => [name, unstack(a, i, keys.length)])))
      known.set(key, own)
      bytes += Object.values(own).reduce((n, a) => n + a.data.byteLength, 0)
    }
    return got
  }
}

function checkAugmentable(chosen: ReadonlySet<Augmentation>, { name, samples }: Material): void {
  if (chosen.size === 0 || Object.values(samples[0].feeds).some(isImage)) return
  throw new StudioError('bad-recipe', `The samples of ${name} are no images, which alone can be changed`, {
    where: { step: 'train' },
    hint: 'Take "augment" out of the recipe.',
  })
}

function labelIn({ label, name }: Sample, offset: number): number {
  if (typeof label === 'number') return label + offset
  throw new StudioError('bad-data', `The sample ${name} has no class`, {
    where: { sample: name },
    hint: 'Label every sample of the training data, or take those without a label out.',
  })
}

/** Numbers below `count` in an order drawn at random (Fisher and Yates). */
function shuffled(count: number, rng: Rng): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))

/** What is run may be taken away with the run. */
const copied = (feeds: Feeds): Feeds =>
  Object.fromEntries(Object.entries(feeds).map(([name, a]) => [name, { ...a, data: a.data.slice() } as NdArray]))

function meanSquares(shards: readonly Taught[]): Map<ValueName, number> {
  const sums = new Map<ValueName, { sum: number; count: number }>()
  for (const { targets } of shards)
    for (const [name, { data }] of targets) {
      const known = sums.get(name) ?? { sum: 0, count: 0 }
      for (const x of data as Float32Array) known.sum += x * x
      known.count += data.length
      sums.set(name, known)
    }
  return new Map([...sums].map(([name, { sum, count }]) => [name, Math.max(sum / Math.max(1, count), 1e-12)]))
}
