// Two models beside each other on one sample: which values both compute, what each gives there, and how far apart they are.
import { elementCount } from '../base/dtype.ts'
import type { InputSpec } from '../data/input-spec.ts'
import type { Context, Runner, Sample, Session } from '../ir/context.ts'
import { ownDomain } from '../ir/level-functions.ts'
import type { Model, ValueName } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'
import { ErrorSums } from '../stages/evaluate/errors.ts'
import { taskFor } from '../tasks/index.ts'
import { numbersOf } from '../tasks/scores.ts'
import { type TwoAnswers, twoAnswers } from './two-answers.ts'

/** A model with what runs it. */
export interface Side {
  model: Model
  runner: Runner
}

/** A value that both models compute under one name, and the node of the first that makes it. */
export interface SharedValue {
  value: ValueName
  node: string
  op: string
}

/** The values of one side as channels of pictures: [channels, height, width]. */
export interface Maps {
  channels: number
  height: number
  width: number
  data: Float32Array
}

export interface Beside {
  maps: [Maps, Maps] | null
  difference: { sqnrDb: number; maxAbs: number } | null
  /** What each answers, where the model's task has answers; scores where it has one for each class. */
  answers: TwoAnswers | null
  scores: [Float32Array, Float32Array] | null
}

const rounding = /QuantizeLinear$/

/** In the order of the first model; rounding and what only constants make is left out. */
export function sharedValues(a: Model, b: Model): SharedValue[] {
  const made = new Set(b.graph.nodes.flatMap(node => node.outputs))
  return a.graph.nodes
    .filter(node => !rounding.test(node.op) && node.domain !== ownDomain)
    .flatMap(node => {
      const value = node.outputs[0]
      const fits = value !== null && made.has(value) && !a.graph.values.get(value)?.data
      return fits ? [{ value, node: node.id, op: node.op }] : []
    })
}

/** What stands for a value in a quantised model: behind the pair that rounds it, as its readers see it. */
export function asRead({ graph }: Model, value: ValueName): ValueName {
  const codes = graph.nodes.find(node => node.op === 'QuantizeLinear' && node.inputs[0] === value)?.outputs[0]
  const back = graph.nodes.find(node => node.op === 'DequantizeLinear' && codes && node.inputs[0] === codes)
  return back?.outputs[0] ?? value
}

const floats = (array: NdArray): Float32Array =>
  array.data instanceof Float32Array ? array.data : Float32Array.from(numbersOf(array))

/** [N, C, H, W] and [C, H, W] as they are, [N, C, L] as C lines, a vector as rows of a square; null for what is empty. */
export function mapsOf(array: NdArray): Maps | null {
  const dims = array.shape.filter((dim, axis) => !(axis === 0 && dim === 1))
  const count = elementCount(array.shape)
  if (count === 0) return null
  const data = floats(array)
  if (dims.length >= 3) {
    const [height, width] = dims.slice(-2)
    return { channels: count / (height * width), height, width, data }
  }
  if (dims.length === 2) return { channels: 1, height: dims[0], width: dims[1], data }
  const width = Math.ceil(Math.sqrt(count))
  const height = Math.ceil(count / width)
  const square = new Float32Array(width * height).fill(Number.NaN)
  square.set(data)
  return { channels: 1, height, width, data: square }
}

/** Sessions that stay open while the same thing is looked at; the oldest goes first. */
export function sessionKeeper(most: number) {
  const open = new Map<string, Promise<Session>>()
  return {
    async get(key: string, make: () => Promise<Session>): Promise<Session> {
      const known = open.get(key) ?? make()
      open.delete(key)
      open.set(key, known)
      known.catch(() => open.delete(key))
      const [oldest] = open.keys()
      if (open.size > most) {
        const closing = open.get(oldest)!
        open.delete(oldest)
        await (await closing).close()
      }
      return known
    },
  }
}
export type SessionKeeper = ReturnType<typeof sessionKeeper>

/** `keys` tell the two sides apart from all others that `sessions` may hold; `original` is whose outputs say what an answer is. */
export async function beside(
  [a, b]: readonly [Side, Side],
  keys: readonly [string, string],
  { feeds, label }: Sample,
  value: ValueName | null,
  { input, original }: { input: InputSpec; original: Model },
  sessions: SessionKeeper,
  ctx: Pick<Context, 'kernels'>,
): Promise<Beside> {
  const task = taskFor(input, original)
  const run = async ({ model, runner }: Side, key: string) => {
    const wanted = value === null ? null : asRead(model, value)
    const outputs = [...new Set([...model.graph.outputs, ...(wanted === null ? [] : [wanted])])]
    const session = await sessions.get(`${key} ${wanted ?? ''}`, () => runner.open(model, { outputs }))
    const arrays = await session.run(feeds)
    return { arrays, at: wanted === null ? null : arrays[wanted] }
  }
  const one = await run(a, keys[0])
  const other = await run(b, keys[1])
  const first = one.arrays[a.model.graph.outputs[0]]
  const second = other.arrays[b.model.graph.outputs[0]]
  const shown = value === null ? ([first, second] as const) : ([one.at, other.at] as const)
  const scored = task?.id === 'classify'
  return {
    maps: value === null ? null : both(shown[0], shown[1]),
    difference: apart(shown[0], shown[1], ctx),
    answers: task && twoAnswers(task, [one.arrays, other.arrays], label, input.labelOffset ?? 0),
    scores: scored && first && second ? [floats(first), floats(second)] : null,
  }
}

function both(a: NdArray | null | undefined, b: NdArray | null | undefined): Beside['maps'] {
  const [left, right] = [a ? mapsOf(a) : null, b ? mapsOf(b) : null]
  const alike =
    left && right && left.channels === right.channels && left.height === right.height && left.width === right.width
  return alike ? [left, right] : null
}

function apart(
  a: NdArray | null | undefined,
  b: NdArray | null | undefined,
  { kernels }: Pick<Context, 'kernels'>,
): Beside['difference'] {
  if (!a || !b || a.data.length !== b.data.length) return null
  const sums = new ErrorSums()
  sums.add(kernels, floats(a), floats(b))
  return { sqnrDb: sums.sqnrDb, maxAbs: sums.maxAbs }
}
