// A rule: what to look for at one node, why it may not be, and the rewrite. `rule` makes a pass of it: one look over the graph finds
// the weights that rewrites will read, these are fetched, and one edit serves every place where the rule still holds.
import type { Editor } from '../../ir/edit.ts'
import { edit } from '../../ir/edit.ts'
import type { Model, Node } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import type { Change, Pass, Skipped } from './types.ts'

/** The bytes of a tensor that the rule said it would read. */
export type Read = (tensor: Tensor) => Uint8Array

/** A place where the rule holds. `apply` makes the change and says what it was, or finds in the weights why not and changes nothing. */
export interface Found {
  reads?: readonly Tensor[]
  apply(read: Read): string | Kept
}

/** A candidate that must stay, and why. */
export interface Kept {
  why: string
}

export const kept = (why: string): Kept => ({ why })

export interface Rule extends Pick<Pass, 'id' | 'label' | 'level' | 'onRequest'> {
  /** Null: not a candidate. Must change nothing; the editor is for looking until `apply`. */
  find(node: Node, e: Editor, opset: number): Found | Kept | null
}

export function rule<const Id extends string>({ find, ...about }: Rule & { id: Id }): Pass & { id: Id } {
  return {
    ...about,
    async run(model, ctx) {
      const opset = opsetOf(model)
      const wanted = new Set<Tensor>()
      let candidates = 0
      edit(model.graph, e => {
        for (const node of model.graph.nodes) {
          const found = find(node, e, opset)
          if (!found) continue
          candidates++
          if ('apply' in found) for (const tensor of found.reads ?? []) wanted.add(tensor)
        }
      })
      if (candidates === 0) return { model, changes: [], skipped: [] }
      const bytes = new Map<Tensor, Uint8Array>()
      for (const tensor of wanted) {
        ctx.signal.throwIfAborted()
        bytes.set(tensor, await ctx.bytes.read(tensor))
      }
      const atHand = (tensor: Tensor): Uint8Array | undefined =>
        tensor.data instanceof Uint8Array ? tensor.data : bytes.get(tensor)

      const changes: Change[] = []
      const skipped: Skipped[] = []
      const graph = edit(model.graph, e => {
        for (const { id } of model.graph.nodes) {
          const node = e.node(id)
          const found = node && find(node, e, opset)
          if (!found) continue
          if ('why' in found) {
            skipped.push({ node: id, ...found })
            continue
          }
          // A place that came into being during this edit, with weights not yet fetched, waits for the next round.
          if (!(found.reads ?? []).every(atHand)) continue
          const done = found.apply(t => atHand(t)!)
          if (typeof done !== 'string') skipped.push({ node: id, ...done })
          else {
            changes.push({ node: id, what: done })
            for (const name of node.inputs) removeUnused(e, name)
          }
        }
      })
      return { model: graph === model.graph ? model : { ...model, graph }, changes, skipped }
    },
  }
}

/** Removes what made a value that nothing reads any more, and in turn what only that had read. */
export function removeUnused(e: Editor, name: string | null): void {
  const node = name === null ? null : e.producer(name)
  if (!node || node.outputs.some(o => o !== null && (e.isOutput(o) || e.consumers(o).length > 0))) return
  e.removeNode(node.id)
  for (const input of node.inputs) removeUnused(e, input)
}

/** Version of the standard operator set. */
export const opsetOf = (model: Model): number => model.opsets[''] ?? model.opsets['ai.onnx'] ?? 1

/** A node of the standard operator set with one of these operators. */
export function isOp(node: Node, ...ops: readonly string[]): boolean
export function isOp(node: Node | null, ...ops: readonly string[]): node is Node
export function isOp(node: Node | null, ...ops: readonly string[]): boolean {
  return node !== null && (node.domain === '' || node.domain === 'ai.onnx') && ops.includes(node.op)
}

/** The nodes of the imported model that a rewrite's nodes stand for, each once. */
export const originOf = (...nodes: readonly Node[]): string[] => [...new Set(nodes.flatMap(n => n.origin))]

/** The one node that reads a value which is no graph output; null where there are more, or none. */
export function onlyReader(e: Editor, name: string | null): Node | null {
  if (name === null || e.isOutput(name)) return null
  const readers = e.consumers(name)
  return readers.length === 1 && readers[0].inputs.includes(name) ? readers[0] : null
}

/** Why a value cannot be absorbed into the node that reads it; null where it can. */
export function sharedBecause(e: Editor, name: string): string | null {
  if (e.isOutput(name)) return `${name} is an output of the graph`
  const readers = e.consumers(name)
  return readers.length > 1 ? `${name} is used by ${readers.length} nodes` : null
}

/** Removes a node whose only needed output is given by another value. False, and nothing done, where names forbid it. */
export function bypass(e: Editor, node: Node, output: string, source: string): boolean {
  if (!e.forward(output, source)) return false
  e.removeNode(node.id)
  return true
}

/** Whether `bypass` would do it. */
export const canBypass = (e: Editor, output: string, source: string): boolean =>
  !e.isOutput(output) || (e.producer(source) !== null && !e.isOutput(source))
