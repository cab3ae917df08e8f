// Every tensor's place in a C program: constants by name, inputs and outputs in the caller's arrays, all else in the arena. Tensors that
// only differ in shape share their bytes, and what is computed element by element overwrites what nobody reads any more.
import { byteLength, elementCount } from '../../base/dtype.ts'
import type { NhwcOperator, NhwcProgram } from '../nhwc/types.ts'
import { type Arena, planArena, type Span } from './arena.ts'

export type Place =
  | { kind: 'constant' }
  | { kind: 'in' | 'out'; element: number } // in the caller's array, from this element on
  | { kind: 'arena'; offset: number }

export interface Storage {
  places: readonly Place[]
  arena: Arena
  /** Outputs that lie elsewhere when all is computed, and where in `out` they belong. */
  copied: readonly { tensor: number; element: number }[]
  /** Elements of `in` and `out`. */
  sizes: { in: number; out: number }
}

/** `elementwise`: whether an operator reads each element of an input before it writes the same one, so that both may be one. */
export function planStorage(
  program: NhwcProgram,
  elementwise: (operator: NhwcOperator, input: number) => boolean,
): Storage {
  const { tensors, operators, inputs, outputs } = program
  const groups = new Groups(tensors.length)
  const used = new Lifetimes(program)
  const isConstant = (i: number): boolean => tensors[i].data !== null
  const isFree = (i: number): boolean => !isConstant(i) && !groups.members(i).some(m => inputs.includes(m))

  operators.forEach((operator, step) => {
    const [y] = operator.outputs
    if (operator.kind === 'RESHAPE') {
      if (!isConstant(operator.inputs[0])) groups.join(operator.inputs[0], y)
      return
    }
    const dead = (x: number): boolean =>
      groups.members(x).every(m => used.last(m) <= step && !outputs.includes(m)) && used.last(x) === step
    const same = operator.inputs.find(
      x =>
        x >= 0 &&
        isFree(x) &&
        dead(x) &&
        tensors[x].dtype === tensors[y].dtype &&
        elementCount(tensors[x].shape) === elementCount(tensors[y].shape) &&
        elementwise(operator, x),
    )
    if (same !== undefined) groups.join(same, y)
  })

  const places = new Array<Place>(tensors.length).fill({ kind: 'constant' })
  const put = (i: number, place: Place): void => {
    for (const member of groups.members(i)) places[member] = place
  }
  const count = (list: readonly number[]): number => list.reduce((n, i) => n + elementCount(tensors[i].shape), 0)
  const taken = new Set<number>()
  inputs.forEach((tensor, k) => {
    put(tensor, { kind: 'in', element: count(inputs.slice(0, k)) })
    taken.add(groups.of(tensor))
  })
  const copied: { tensor: number; element: number }[] = []
  outputs.forEach((tensor, k) => {
    const element = count(outputs.slice(0, k))
    if (isConstant(tensor) || taken.has(groups.of(tensor))) copied.push({ tensor, element })
    else {
      put(tensor, { kind: 'out', element })
      taken.add(groups.of(tensor))
    }
  })

  const here = tensors.flatMap((_, i) =>
    !isConstant(i) && groups.of(i) === i && !taken.has(i) && used.isUsed(groups.members(i)) ? [i] : [],
  )
  const spans = here.map((i): Span => ({ ...used.span(groups.members(i)), bytes: bytesOf(program, i) }))
  const arena = planArena(spans)
  here.forEach((i, k) => {
    put(i, { kind: 'arena', offset: arena.offsets[k] })
  })
  return { places, arena, copied, sizes: { in: count(inputs), out: count(outputs) } }
}

const bytesOf = ({ tensors }: NhwcProgram, i: number): number =>
  byteLength(tensors[i].dtype, elementCount(tensors[i].shape))

/** Steps at which tensors are made and read. */
class Lifetimes {
  private readonly made = new Map<number, number>()
  private readonly read = new Map<number, number>()

  constructor({ operators, outputs }: NhwcProgram) {
    operators.forEach((operator, step) => {
      for (const i of operator.inputs) this.read.set(i, step)
      for (const i of operator.outputs) this.made.set(i, step)
    })
    for (const i of outputs) this.read.set(i, operators.length)
  }

  last = (i: number): number => this.read.get(i) ?? this.made.get(i) ?? -1
  isUsed = (members: readonly number[]): boolean => members.some(i => this.made.has(i))
  span(members: readonly number[]): Pick<Span, 'from' | 'to'> {
    const from = members.flatMap(i => this.made.get(i) ?? [])
    return { from: Math.min(...from), to: Math.max(...members.map(this.last)) }
  }
}

/** Tensors that are the same bytes; a group is named by its first member. */
class Groups {
  private readonly lists: number[][]
  constructor(count: number) {
    this.lists = Array.from({ length: count }, (_, i) => [i])
  }
  of = (i: number): number => this.lists[i][0]
  members = (i: number): readonly number[] => this.lists[i]
  join(a: number, b: number): void {
    if (this.lists[a] === this.lists[b]) return
    const both = [...this.lists[a], ...this.lists[b]]
    for (const i of both) this.lists[i] = both
  }
}
