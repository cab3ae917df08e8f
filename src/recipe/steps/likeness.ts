// By which values a student is held to its teacher: outputs before their Softmax, and features of layers that both have.
import type { InputSpec } from '../../data/input-spec.ts'
import type { Dim, Graph, Model, ValueName } from '../../ir/model.ts'
import type { Term } from '../../stages/train/losses.ts'
import { taskFor } from '../../tasks/index.ts'

export interface LikenessOptions {
  temperature: number
  /** Weight of the squared error of outputs, and of features, beside the soft targets. */
  outputs: number
  features: number
}

export interface Likeness {
  values: readonly ValueName[]
  terms(meanSquare: (name: ValueName) => number): Term[]
}

/** Both inferred; values of one name are of one layer, as passes and pruning leave them. */
export function likenessOf(student: Model, teacher: Model, input: InputSpec, o: LikenessOptions): Likeness {
  const known = new Set(teacher.graph.nodes.flatMap(n => n.outputs))
  const task = taskFor(input, student)?.id
  const ends = student.graph.outputs.map(name => beforeSoftmax(student.graph, name, known)).filter(n => known.has(n))
  const isFloat = (name: ValueName): boolean => (student.graph.values.get(name)?.dtype ?? 'float32') === 'float32'
  const outputs = ends.filter(isFloat)
  const features = o.features > 0 ? pairedFeatures(student.graph, teacher.graph, new Set(outputs)) : []
  return {
    values: [...outputs, ...features.map(f => f.value)],
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

/** What a Softmax at the end is fed, where the teacher has it too. */
export function beforeSoftmax(graph: Graph, output: ValueName, known: ReadonlySet<ValueName | null>): ValueName {
  const maker = graph.nodes.find(n => n.outputs.includes(output))
  const input = maker && /^(Log)?Softmax$/.test(maker.op) ? maker.inputs[0] : null
  return input && known.has(input) ? input : output
}

/**
 * The last value of each size of the map that both have, or of sequences four spread over the depth. Where the student has fewer
 * channels, what is compared has none.
 */
function pairedFeatures(
  student: Graph,
  teacher: Graph,
  outputs: ReadonlySet<ValueName>,
): { value: ValueName; same: boolean }[] {
  const made = new Set(teacher.nodes.flatMap(n => n.outputs))
  const bySize = new Map<string, { value: ValueName; same: boolean }[]>()
  for (const { outputs: names } of student.nodes) {
    const value = names[0]
    const own = value === null ? null : student.values.get(value)?.shape
    const theirs = value === null ? null : teacher.values.get(value)?.shape
    if (value === null || !own || !theirs || !made.has(value) || outputs.has(value)) continue
    if (own.length < 3 || own.length !== theirs.length) continue
    const rest = (shape: readonly Dim[]): string => shape.slice(own.length === 4 ? 2 : 1).join()
    if (rest(own) !== rest(theirs) || /^1(,1)*$/.test(rest(own))) continue
    const same = own.slice(1).join() === theirs.slice(1).join()
    if (!same && own.length !== 4) continue
    const size = rest(own)
    bySize.set(size, [...(bySize.get(size) ?? []), { value, same }])
  }
  const groups = [...bySize.values()]
  if (groups.length > 1) return groups.map(group => group.at(-1)!)
  const only = groups[0] ?? []
  return [1, 2, 3, 4]
    .map(k => only[Math.ceil((k * only.length) / 4) - 1])
    .filter((f, i, all) => f && all.indexOf(f) === i)
}
