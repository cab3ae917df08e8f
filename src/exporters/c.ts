// Plain C99 of integers: one source and one header without any library, computed as TensorFlow Lite for Microcontrollers computes.
import { outFile, utf8 } from '../base/bytes.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import { infer } from '../ops/infer.ts'
import { chained } from './c/chains.ts'
import { edgeType, headerOf } from './c/header.ts'
import { planProgram } from './c/program.ts'
import { refusals } from './c/refusals.ts'
import { howToRun, sampleOf } from './c/sample.ts'
import { keyOf } from './c/scramble.ts'
import { type Shown, sourceOf } from './c/source.ts'
import { edgesOf, inMemory, lengthOf } from './nhwc/edges.ts'
import { type Lowered, lower } from './nhwc/index.ts'
import { refused } from './refused.ts'
import type { Exporter, Problem, Written } from './types.ts'

const source = 'tflite-micro: tensorflow/lite/kernels/internal/reference/integer_ops'

export const c: Exporter = {
  id: 'c',
  label: 'C99 source',
  check: model =>
    // A model in floats is yet to be quantised: what would stay in floats then is known elsewhere.
    model.graph.nodes.some(node => node.op === 'QuantizeLinear')
      ? problems(model, lower(model, { io: 'float', read: lengthOf }))
      : refusedBy(lower(model, { io: 'float', read: lengthOf })),
  async write(model, _, { io, bytes, preprocess, scramble }): Promise<Written> {
    const typed = infer(model)
    const lowered = lower(typed, { io, read: await inMemory(typed, bytes) })
    const found = problems(typed, lowered)
    if (found.length > 0) throw refused(found)
    const whole = chained(lowered.program)
    const { program } = whole
    const { steps, storage } = planProgram(whole)
    const key = scramble ? keyOf(scramble) : null
    const { text, constants, restored } = sourceOf(program, steps, storage, shownIn(typed, lowered), key)
    const edges = edgesOf(typed, lowered)
    const sample = sampleOf(
      requiredInputs(typed.graph).map(name => ({ name, edge: edges[name], preprocess: preprocess[name] ?? null })),
      typed.graph.outputs.map(name => ({ name, edge: edges[name], preprocess: null })),
    )
    const { bytes: arena, bound } = storage.arena
    return {
      files: [
        outFile('model.h', utf8(headerOf(program, storage, constants, restored))),
        outFile('model.c', utf8(text)),
      ],
      roles: { header: 'model.h', source: 'model.c' },
      notes: [
        `Flash: ${constants} bytes of constants, and the code. RAM: ${arena} bytes to compute in; the network needs ${bound} at once.`,
        ...(key
          ? [
              `Weights are scrambled: compile with -DMODEL_KEY=0x${scramble}ULL. They are restored into ${restored} more bytes of RAM at the first run. recipe.json holds the key, too.`,
            ]
          : []),
      ],
      edges,
      around: [outFile('sample/main.c', utf8(sample))],
      howToRun: howToRun(constants, arena, bound, scramble ?? null),
    }
  },
}

function problems(model: Model, lowered: Lowered): Problem[] {
  const { program, refused } = lowered
  if (refused.length > 0) return refusedBy(lowered)
  const ops = new Map(model.graph.nodes.map(node => [node.id, node.op]))
  const found = new Map<string, Problem>()
  for (const { operator, why } of refusals(chained(program).program))
    if (!found.has(operator.node))
      found.set(operator.node, refusedAt(operator.node, ops.get(operator.node) ?? operator.kind, why))
  // Pairs are around what computes in floats, and not to blame for it.
  const blamed = [...found.values()].filter(({ op }) => op !== 'QuantizeLinear' && op !== 'DequantizeLinear')
  if (found.size > 0) return blamed.length > 0 ? blamed : [...found.values()]
  const mixed = (['inputs', 'outputs'] as const).filter(which => edgeType(program, program[which]) === null)
  return mixed.map(which => ({ ...refusedAt('', 'The model', `its ${which} have several types`), node: null }))
}

const refusedAt = (node: string, op: string, why: string): Problem => ({ node, op, why, level: 'refused', source })

const refusedBy = ({ refused }: Lowered): Problem[] =>
  refused.map(({ node, why, fix }) => ({ ...refusedAt(node.id, node.op, why), ...(fix ? { fix } : {}) }))

/** Layers under the names that golden layers and outputs have: of the floats that were rounded, or that go out. */
function shownIn({ graph }: Model, { program, formOf }: Lowered): Shown[] {
  const named = new Map<ValueName, ValueName>()
  for (const { op, inputs, outputs } of graph.nodes) {
    if (op === 'QuantizeLinear') named.set(outputs[0]!, inputs[0]!)
    if (op === 'DequantizeLinear' && graph.outputs.includes(outputs[0]!)) named.set(inputs[0]!, outputs[0]!)
  }
  const seen = new Set<string>()
  return program.tensors.flatMap(({ value, dtype, data }, tensor): Shown[] => {
    const name = value === null || data ? undefined : named.get(value)
    const form = formOf(tensor)
    if (name === undefined || dtype !== 'int8' || form === null || graph.inputs.includes(name)) return []
    if (form === 'flat' || seen.has(name)) return []
    seen.add(name)
    return [{ tensor, name, turned: form === 'nhwc' }]
  })
}
