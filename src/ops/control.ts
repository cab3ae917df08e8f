// If, Loop, Scan: bodies are inferred with what is known around them. https://onnx.ai/onnx/operators/onnx__Loop.html
// A state that a loop carries may change its shape from turn to turn: facts about it are weakened until one turn leaves them as
// they are, which proves them for all turns.
import { attrInt, attrInts, type Graph, type Node } from '../ir/model.ts'
import { axisOf, either, tensor, unifyDim, unknown } from './dims.ts'
import type { Fact, InferContext, OpDef } from './types.ts'

function bodyOf(node: Node, name: string): Graph | null {
  const attr = node.attrs.get(name)
  return attr?.kind === 'graph' ? attr.value : null
}

const staysFloat = 'its body is run by the runtime as it stands'

export const conditional: OpDef = {
  type: 'If',
  staysFloat,
  infer: (node, ctx) => {
    const yes = bodyOf(node, 'then_branch')
    const no = bodyOf(node, 'else_branch')
    if (!yes || !no) return []
    const a = ctx.body(yes, [])
    const b = ctx.body(no, [])
    const condition = ctx.numbers(0)?.[0]
    if (condition !== undefined) return condition !== 0 ? a : b
    return a.map((fact, i) => either(fact, b[i] ?? unknown))
  },
}

const input = (ctx: InferContext, i: number): Fact => tensor(ctx.dtype(i), ctx.shape(i))
const equal = (a: Fact, b: Fact): boolean =>
  a.dtype === b.dtype && a.shape?.length === b.shape?.length && (a.shape?.every((d, i) => d === b.shape?.[i]) ?? true)

/** Facts of the state that hold before and after every turn, and the facts of what a turn gives. */
function settle(start: readonly Fact[], turn: (state: readonly Fact[]) => Fact[], first: number) {
  let state = [...start]
  for (;;) {
    const given = turn(state)
    const next = state.map((fact, i) => either(fact, given[first + i] ?? unknown))
    if (next.every((fact, i) => equal(fact, state[i]))) return { state, given }
    state = next
  }
}

/** Inputs: trip count, condition, state. Body: turn, condition, state -> condition, state, values collected. */
export const loop: OpDef = {
  type: 'Loop',
  staysFloat,
  infer: (node, ctx) => {
    const body = bodyOf(node, 'body')
    if (!body) return []
    const start = node.inputs.slice(2).map((_, i) => input(ctx, i + 2))
    const turn = (state: readonly Fact[]): Fact[] => ctx.body(body, [tensor('int64', []), tensor('bool', []), ...state])
    const { state, given } = settle(start, turn, 1)
    const collected = given.slice(1 + state.length).map(fact => tensor(fact.dtype, fact.shape && [null, ...fact.shape]))
    return [...state, ...collected]
  },
}

/** Since operator set 9. Inputs: state, sequences. Body: state, elements -> state, values collected. */
export const scan: OpDef = {
  type: 'Scan',
  staysFloat,
  infer: (node, ctx) => {
    const body = bodyOf(node, 'body')
    if (!body || ctx.opset < 9) return []
    const sequences = attrInt(node, 'num_scan_inputs', 0)
    const states = node.inputs.length - sequences
    const inAxes = attrInts(node, 'scan_input_axes') ?? []
    const outAxes = attrInts(node, 'scan_output_axes') ?? []
    let length: number | string | null = null
    const elements: Fact[] = []
    for (let i = 0; i < sequences; i++) {
      const { dtype, shape } = input(ctx, states + i)
      const axis = shape && axisOf(inAxes[i] ?? 0, shape.length, ctx)
      if (shape && axis !== null) length = unifyDim(length, shape[axis], ctx, 'its sequences differ in length')
      elements.push(tensor(dtype, shape?.filter((_, a) => a !== axis) ?? null))
    }
    const start = node.inputs.slice(0, states).map((_, i) => input(ctx, i))
    const { state, given } = settle(start, s => ctx.body(body, [...s, ...elements]), 0)
    const collected = given.slice(states).map(({ dtype, shape }, i) => {
      if (shape === null) return tensor(dtype, null)
      const axis = axisOf(outAxes[i] ?? 0, shape.length + 1, ctx)
      return tensor(dtype, [...shape.slice(0, axis), length, ...shape.slice(axis)])
    })
    return [...state, ...collected]
  },
}
