// By which values a student is held to its teacher: outputs before their Softmax, and features of layers that both have.
import type { InputSpec } from '../../data/input-spec.ts'
import type { Graph, Model, ValueName } from '../../ir/model.ts'
import type { Term } from '../../stages/train/losses.ts'
import { taskFor } from '../../tasks/index.ts'
import type { Names } from './teacher.ts'

export interface LikenessOptions {
  temperature: number
  /** Weight of the squared error of outputs, and of features, beside the soft targets. */
  outputs: number
  features: number
}

export interface Likeness {
  values: readonly ValueName[]
  /** For each value of the teacher's, the student's that is held to it. */
  taught: ReadonlyMap<ValueName, ValueName>
  terms(meanSquare: (name: ValueName) => number): Term[]
}

/**
 * Both inferred. Values of one name are of one layer, as passes and pruning leave them, where the teacher is what the student was; of another
 * teacher `names` has what stands for the student's outputs.
 */
export function likenessOf(
  student: Model,
  teacher: Model,
  names: Names | null,
  input: InputSpec,
  o: LikenessOptions,
): Likeness {
  const task = taskFor(input, student)?.id
  const isFloat = (name: ValueName): boolean => (student.graph.values.get(name)?.dtype ?? 'float32') === 'float32'
  const ends = (
    names ? endsInOrder(student.graph, teacher.graph, names) : endsByName(student.graph, teacher.graph)
  ).filter(([own]) => isFloat(own))
  const outputs = ends.map(([own]) => own)
  const features = o.features > 0 ? pairedFeatures(student.graph, teacher.graph, ends, names !== null) : []
  return {
    values: [...outputs, ...features.map(f => f.value)],
    taught: new Map([
      ...ends.map(([own, its]) => [its, own] as const),
      ...features.map(({ value, its }) => [its, value] as const),
    ]),
    terms(meanSquare) {
      const terms: Term[] = []
      for (const value of outputs) {
        const rank = student.graph.values.get(value)?.shape?.length ?? 2
        if (task === 'classify' || task === 'ctc')
          terms.push({
            kind: 'soft',
            value,
            weight: 1,
            temperature: o.temperature,
            axis: task === 'ctc' ? rank - 1 : 1,
          })
        // Without classes there is nothing else to go by.
        const weight = task === 'classify' || task === 'ctc' ? o.outputs : 1
        if (weight > 0) terms.push({ kind: 'square', value, weight, unit: meanSquare(value) })
      }
      for (const { value, same } of features) {
        const weight = o.features / features.length
        terms.push(
          same ? { kind: 'square', value, weight, unit: meanSquare(value) } : { kind: 'attention', value, weight },
        )
      }
      return terms
    },
  }
}

type Pair = readonly [own: ValueName, its: ValueName]

/** What a Softmax at the end is fed; the output itself where there is none. */
export function beforeSoftmax(graph: Graph, output: ValueName): ValueName {
  const maker = graph.nodes.find(n => n.outputs.includes(output))
  return (maker && /^(Log)?Softmax$/.test(maker.op) ? maker.inputs[0] : null) ?? output
}

function endsByName(student: Graph, teacher: Graph): Pair[] {
  const known = new Set(teacher.nodes.flatMap(n => n.outputs))
  return student.outputs.flatMap((output): Pair[] => {
    const end = [beforeSoftmax(student, output), output].find(name => known.has(name))
    return end === undefined ? [] : [[end, end]]
  })
}

/** One of both may have a Softmax that the other lacks. */
const endsInOrder = (student: Graph, teacher: Graph, names: Names): Pair[] =>
  student.outputs.map(output => [beforeSoftmax(student, output), beforeSoftmax(teacher, names.get(output)!)])

interface Feature {
  value: ValueName
  its: ValueName
  /** Whether both have as many channels; else what is compared has none. */
  same: boolean
}

/**
 * The last value of each size of the map that both have, or of sequences four spread over the depth. `apart`: their names tell nothing of each
 * other, so that the last of each size is taken on either side.
 */
function pairedFeatures(student: Graph, teacher: Graph, ends: readonly Pair[], apart: boolean): Feature[] {
  const theirs = bySize(teacher, new Set(ends.map(([, its]) => its)))
  const groups: Feature[][] = []
  for (const [size, names] of bySize(student, new Set(ends.map(([own]) => own)))) {
    const known = new Set(theirs.get(size))
    const last = theirs.get(size)?.at(-1)
    const features = names.flatMap((value): Feature[] => {
      const its = apart ? last : value
      if (its === undefined || !known.has(its)) return []
      const [mine, other] = [student.values.get(value)!.shape!, teacher.values.get(its)!.shape!]
      const same = mine.slice(1).join() === other.slice(1).join()
      return mine.length === other.length && (same || mine.length === 4) ? [{ value, its, same }] : []
    })
    if (features.length > 0) groups.push(features)
  }
  if (groups.length > 1) return groups.map(group => group.at(-1)!)
  const only = groups[0] ?? []
  if (apart) return only.slice(-1)
  return [1, 2, 3, 4]
    .map(k => only[Math.ceil((k * only.length) / 4) - 1])
    .filter((f, i, all) => f && all.indexOf(f) === i)
}

/** Maps and sequences of more than one place, by their size; `ends` are no features. */
function bySize({ nodes, values }: Graph, ends: ReadonlySet<ValueName>): Map<string, ValueName[]> {
  const found = new Map<string, ValueName[]>()
  for (const {
    outputs: [name],
  } of nodes) {
    const shape = name === null || ends.has(name) ? null : values.get(name)?.shape
    if (!shape || shape.length < 3) continue
    const size = shape.slice(shape.length === 4 ? 2 : 1).join()
    if (!/^1(,1)*$/.test(size)) found.set(size, [...(found.get(size) ?? []), name!])
  }
  return found
}
