// Reverse-mode differentiation over nodes of a graph: forwards in their order, every value kept; backwards in reverse, gradients added up
// where a value is read more than once. Values that depend on nothing learned get no gradient, and cost none.
import type { KernelSet } from '../../ir/context.ts'
import { type Node, reads, type ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { Network, RoundedRead, Run } from '../../ir/training.ts'
import { gradOf } from '../../ops/grad/index.ts'
import type { Done, GradDef } from '../../ops/grad/types.ts'
import { backThrough, type Rounded, roundFor } from './fake-quantize.ts'

export function refusal(nodes: readonly Node[]): { node: Node; why: string } | null {
  for (const node of nodes) {
    const def = gradOf(node)
    if (typeof def === 'string') return { node, why: def }
  }
  return null
}

export function network(
  nodes: readonly Node[],
  learned: ReadonlySet<ValueName>,
  rounded: ReadonlyMap<ValueName, RoundedRead>,
  kernels: KernelSet,
): Network {
  const defs = nodes.map(node => gradOf(node) as GradDef)
  const active = new Set(learned)
  for (const node of nodes)
    if (reads(node).some(name => active.has(name))) for (const o of node.outputs) if (o !== null) active.add(o)
  const isActive = (name: ValueName | null): boolean => name !== null && active.has(name)
  return {
    nodes,
    forward(given, uniform): Run {
      const values = new Map(given)
      const seen = new Map<ValueName, Rounded>()
      const done: Done[] = []
      const backwards: (Float32Array | null)[] = []
      const readBy = (node: Node, name: ValueName | null): NdArray | null => {
        if (name === null) return null
        const read = rounded.get(name)
        if (!read?.readers.has(node.id)) return values.get(name)!
        const known = seen.get(name) ?? roundFor(values.get(name)!, read, isActive(name), uniform, kernels)
        seen.set(name, known)
        return known.array
      }
      for (const [i, node] of nodes.entries()) {
        const inputs = node.inputs.map(name => readBy(node, name))
        const outputs = defs[i].forward(node, inputs, kernels)
        for (const [k, name] of node.outputs.entries()) if (name !== null) values.set(name, outputs[k])
        done.push({ inputs, outputs })
      }
      return {
        value: name => values.get(name)!,
        made: () => [done, [...seen.values()], backwards],
        backward(start) {
          const gradients = new Map(start)
          const own = new Set<Float32Array>()
          const steps = new Map<ValueName, number>()
          for (let i = nodes.length - 1; i >= 0; i--) {
            const node = nodes[i]
            const dys = node.outputs.map(name => gradients.get(name!) ?? null)
            const wanted = node.inputs.map(isActive)
            if (dys.every(dy => dy === null) || !wanted.includes(true)) continue
            const found = defs[i].backward(node, done[i], dys, wanted, kernels)
            backwards.push(...found)
            for (const [k, name] of node.inputs.entries()) {
              const dx = found[k]
              if (!dx || !wanted[k]) continue
              const read = rounded.get(name!)
              const as = read?.readers.has(node.id) ? seen.get(name!) : undefined
              if (!read || !as) {
                add(gradients, own, name!, dx)
                continue
              }
              const back = backThrough(values.get(name!)!, as, read.params, dx, kernels)
              if (read.step) steps.set(read.step, (steps.get(read.step) ?? 0) + back.step)
              if (back.dx !== dx) own.add(back.dx)
              add(gradients, own, name!, back.dx)
            }
          }
          backwards.push(...own)
          return new Map([
            ...[...learned].flatMap(name => (gradients.has(name) ? [[name, gradients.get(name)!] as const] : [])),
            ...[...steps].map(([name, gradient]) => [name, Float32Array.of(gradient)] as const),
          ])
        },
      }
    },
  }
}

/**
 * An array that came from an operator may be another's too, so that only those made here are added to; most values have one reader, and are
 * spared a copy.
 */
function add(gradients: Map<ValueName, Float32Array>, own: Set<Float32Array>, name: ValueName, dx: Float32Array): void {
  const known = gradients.get(name)
  if (!known) {
    gradients.set(name, dx)
    return
  }
  const sum = own.has(known) ? known : known.slice()
  for (let i = 0; i < dx.length; i++) sum[i] += dx[i]
  own.add(sum)
  gradients.set(name, sum)
}
