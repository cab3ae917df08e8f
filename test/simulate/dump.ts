// A layer as JSON, for the Python scripts beside: nodes, constants and feeds, numbers as they are.
import { viewAs } from '../../src/base/dtype.ts'
import type { Feeds } from '../../src/ir/context.ts'
import type { Attr, Model } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'

export const plain = ({ dtype, shape, data }: NdArray) => ({
  dtype,
  shape,
  data: Array.from(data as unknown as ArrayLike<number>, Number),
})

export const plainFeeds = (feeds: Feeds) =>
  Object.fromEntries(Object.entries(feeds).map(([name, array]) => [name, plain(array)]))

export function dump(model: Model, feeds: Feeds) {
  const { graph } = model
  const constants = [...graph.values.values()].flatMap(({ name, data }) => {
    if (!data) return []
    return [[name, plain({ ...data, data: viewAs(data.dtype, data.data as Uint8Array) })] as const]
  })
  return {
    nodes: graph.nodes.map(({ op, inputs, outputs, attrs }) => ({
      op,
      inputs,
      outputs,
      attrs: Object.fromEntries([...attrs].map(([name, attr]) => [name, plainAttr(attr)])),
    })),
    constants: Object.fromEntries(constants),
    feeds: plainFeeds(feeds),
  }
}

function plainAttr(attr: Attr): unknown {
  if (attr.kind === 'ints') return attr.value.map(Number)
  if (attr.kind === 'string') return new TextDecoder().decode(attr.value)
  return attr.kind === 'int' || attr.kind === 'float' ? Number(attr.value) : null
}
