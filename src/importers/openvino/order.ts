// The layers of a net in an order in which each comes after those it reads, and who is connected to whom.
import { StudioError } from '../../base/errors.ts'
import type { IrLayer, IrNet } from '../../formats/openvino.ts'

export interface Wiring {
  layers: readonly IrLayer[]
  /** What feeds an input port: a layer and one of its output ports. */
  sourceOf(layer: number, port: number): readonly [IrLayer, number] | null
  /** The layers that read an output port. */
  usersOf(layer: number, port: number): readonly IrLayer[]
}

export function sortLayers(net: IrNet): Wiring {
  const byId = new Map<number, IrLayer>()
  for (const layer of net.layers) {
    if (byId.has(layer.id)) throw broken(`Two layers have the id ${layer.id}`, layer.name)
    byId.set(layer.id, layer)
  }
  const sources = new Map<string, readonly [IrLayer, number]>()
  const users = new Map<string, IrLayer[]>()
  for (const { fromLayer, fromPort, toLayer, toPort } of net.edges) {
    const from = byId.get(fromLayer)
    const to = byId.get(toLayer)
    if (!from?.outputs.some(p => p.id === fromPort) || !to?.inputs.some(p => p.id === toPort))
      throw broken(
        `An edge goes from port ${fromPort} of layer ${fromLayer} to port ${toPort} of layer ${toLayer}, which are not both there`,
        (from ?? to)?.name,
      )
    if (sources.has(`${toLayer} ${toPort}`))
      throw broken(`Two edges go to port ${toPort} of the layer ${to.name}`, to.name)
    sources.set(`${toLayer} ${toPort}`, [from, fromPort])
    const key = `${fromLayer} ${fromPort}`
    users.set(key, [...(users.get(key) ?? []), to])
  }
  return {
    layers: ordered(net.layers, sources),
    sourceOf: (layer, port) => sources.get(`${layer} ${port}`) ?? null,
    usersOf: (layer, port) => users.get(`${layer} ${port}`) ?? [],
  }
}

/** The order of the file where that is one; the net may be deep, so no recursion. */
function ordered(layers: readonly IrLayer[], sources: ReadonlyMap<string, readonly [IrLayer, number]>): IrLayer[] {
  const state = new Map<IrLayer, 'open' | 'done'>()
  const order: IrLayer[] = []
  const waits = (layer: IrLayer): IrLayer[] =>
    layer.inputs.flatMap(port => sources.get(`${layer.id} ${port.id}`)?.[0] ?? [])
  for (const root of layers) {
    if (state.has(root)) continue
    const stack = [{ layer: root, waits: waits(root) }]
    state.set(root, 'open')
    while (stack.length > 0) {
      const top = stack[stack.length - 1]
      const next = top.waits.pop()
      if (!next) {
        state.set(top.layer, 'done')
        order.push(top.layer)
        stack.pop()
      } else if (state.get(next) === 'open') throw broken(`The layers go round in a circle at ${next.name}`, next.name)
      else if (!state.has(next)) {
        state.set(next, 'open')
        stack.push({ layer: next, waits: waits(next) })
      }
    }
  }
  return order
}

const broken = (message: string, node: string | undefined): StudioError =>
  new StudioError('invalid-graph', message, { where: { node }, hint: 'Export the model again.' })
