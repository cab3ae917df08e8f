// Einstein summation. https://onnx.ai/onnx/operators/onnx__Einsum.html  MACs = product over all the letters.
import { attrString, type Dim, type Node } from '../ir/model.ts'
import { tensor, unifyDim } from './dims.ts'
import type { CostContext, Dims, InferContext, OpDef } from './types.ts'

interface Equation {
  terms: string[]
  output: string
}

/** Terms and output; without an arrow the output has the letters that occur once, in order. */
function parse(node: Node): Equation | null {
  const text = attrString(node, 'equation', '').replaceAll(' ', '')
  const [left, right] = text.split('->')
  const terms = left.split(',')
  if (right !== undefined) return { terms, output: right }
  if (left.includes('.')) return null
  const letters = [...terms.join('')]
  const once = [...new Set(letters)].filter(c => letters.indexOf(c) === letters.lastIndexOf(c))
  return { terms, output: once.sort().join('') }
}

function outputShape(node: Node, ctx: InferContext): Dims | null {
  const equation = parse(node)
  // An ellipsis stands for broadcast axes, which few models use: unknown, with the rank unknown too.
  if (!equation || node.inputs.length !== equation.terms.length || equation.output.includes('.')) return null
  const sizes = new Map<string, Dim>()
  for (const [i, term] of equation.terms.entries()) {
    const shape = ctx.shape(i)
    if (shape === null || term.includes('.')) continue
    if (shape.length !== term.length) ctx.fail(`the term ${term} does not fit a tensor of rank ${shape.length}`)
    for (const [axis, letter] of [...term].entries()) {
      // Size 1 is broadcast by some runtimes.
      const before = sizes.get(letter) ?? null
      if (before === 1 || shape[axis] === 1)
        sizes.set(letter, before === null ? shape[axis] : before === 1 ? shape[axis] : before)
      else sizes.set(letter, unifyDim(before, shape[axis], ctx, `the letter ${letter} has two sizes`))
    }
  }
  return [...equation.output].map(letter => sizes.get(letter) ?? null)
}

function macs(node: Node, ctx: CostContext): number {
  const equation = parse(node)
  const sizes = new Map<string, number>()
  for (const [i, term] of (equation?.terms ?? []).entries())
    for (const [axis, letter] of [...term].entries())
      sizes.set(letter, Math.max(sizes.get(letter) ?? 1, ctx.input(i)?.[axis] ?? 1))
  return [...sizes.values()].reduce((a, b) => a * b, 1)
}

export const einsum: OpDef = {
  type: 'Einsum',
  infer: (node, ctx) => [tensor(ctx.dtype(0), outputShape(node, ctx))],
  macs,
}
