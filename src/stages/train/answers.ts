// What a model answers, by the same kernels that train: on the processor they take half the time of the runtime's, and every thread has them.
import { readFloats } from '../../ir/bytes.ts'
import type { Context, Feeds, Task } from '../../ir/context.ts'
import type { Graph, Node, ValueName } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import { network, refusal } from './network.ts'
import { cutOut } from './trainee.ts'

interface Question {
  nodes: readonly Node[]
  given: ReadonlyMap<ValueName, NdArray>
  wanted: readonly ValueName[]
}

export const answersTask: Task<Question, Feeds> = {
  id: 'train/answers',
  run({ nodes, given, wanted }, kernels, spare) {
    const run = network(nodes, new Set(), new Map(), kernels).forward(given, () => 1)
    const answers = Object.fromEntries(
      wanted.map(name => {
        const { shape, data } = run.value(name)
        return [name, floats(shape, (data as Float32Array).slice())]
      }),
    )
    spare(run.made())
    return answers
  },
}

/** Answers by our own kernels; null where the graph has operators that these have not, or values before what it learned. */
export async function answering(
  graph: Graph,
  wanted: readonly ValueName[],
  ctx: Context,
): Promise<((feeds: Feeds) => Promise<Feeds>) | null> {
  const part = await cutOut(graph, wanted, ctx.bytes)
  const made = new Set(part.nodes.flatMap(n => n.outputs))
  const direct = part.fed.every(name => graph.inputs.includes(name)) && wanted.every(name => made.has(name))
  if (!direct || refusal(part.nodes)) return null
  const constants = new Map(part.constants)
  for (const name of part.learned) {
    const tensor = graph.values.get(name)!.data!
    constants.set(name, floats(tensor.shape, await readFloats(ctx.bytes, tensor)))
  }
  return feeds =>
    ctx.perform(answersTask, { nodes: part.nodes, given: new Map([...constants, ...Object.entries(feeds)]), wanted })
}
