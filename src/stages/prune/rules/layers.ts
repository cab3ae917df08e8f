// Operators that multiply by weights: their inputs' channels are rows of the weight, their outputs' channels columns, and both go apart.
import { attrInt, int } from '../../../ir/model.ts'
import type { Axis } from '../ties.ts'
import { broadcast } from './plain.ts'
import type { Cut, Rule, Site } from './types.ts'

const slides = 'takes windows along this axis'

/**
 * Channels in groups: whole groups go, inputs with their outputs, where there are more groups than channels in one, as in depthwise
 * convolutions; otherwise as many channels of every group, which stay at the same places in each.
 */
function tieGroups(site: Site, inputs: Axis, outputs: Axis, groups: number): 'whole' | 'within' {
  if (!inputs || !outputs) {
    site.fix([inputs, outputs], 'has an open number of channels')
    return 'within'
  }
  const [ins, outs] = [inputs.length / groups, outputs.length / groups]
  if (groups > 1 && groups >= Math.max(ins, outs)) {
    for (let g = 0; g < groups; g++) {
      for (let i = 0; i < ins; i++) site.join(inputs[g * ins], inputs[g * ins + i])
      for (let o = 0; o < outs; o++) site.join(inputs[g * ins], outputs[g * outs + o])
    }
    return 'whole'
  }
  for (let i = ins; i < inputs.length; i++) site.join(inputs[i], inputs[i % ins])
  for (let o = outs; o < outputs.length; o++) site.join(outputs[o], outputs[o % outs])
  return 'within'
}

/** Groups that are left, where whole ones go. */
function cutGroups({ node, editor, input, output }: Cut, weightAxis: number): void {
  const groups = attrInt(node, 'group', 1)
  const x = input(0)?.[1]
  const y = output(0)?.[1]
  if (groups === 1 || !x || !y) return
  if (input(1)?.[weightAxis]) return // channels go within every group
  const left = (groups * x.count) / x.stays.length
  editor.updateNode(node.id, { attrs: new Map([...node.attrs, ['group', int(left)]]) })
}

/** x [N, C, ...], w [M, C / group, ...], bias [M]. */
export const conv: Rule = {
  ops: ['Conv', 'com.microsoft:FusedConv'],
  tie(site) {
    const [x, w, y] = [site.input(0), site.input(1), site.output(0)]
    if (!x || !w || !y) return
    site.same(x[0], y[0])
    site.same(w[0], y[1])
    site.same(site.input(2)?.[0] ?? y[1], y[1])
    if (site.node.inputs[3] != null) for (const [i, axis] of (site.input(3) ?? []).entries()) site.same(axis, y[i])
    const groups = attrInt(site.node, 'group', 1)
    if (groups === 1) site.same(x[1], w[1])
    else if (tieGroups(site, x[1], y[1], groups) === 'whole') site.fix([w[1]], 'has channels in groups')
    else if (w[1] && x[1]) for (const [i, position] of w[1].entries()) site.join(position, x[1][i])
    for (const axes of [x, w, y]) site.fix(axes.slice(2), slides)
  },
  cut: cut => cutGroups(cut, 1),
}

/** x [N, C, ...], w [C, M / group, ...], bias [M]. */
export const convTranspose: Rule = {
  ops: ['ConvTranspose'],
  tie(site) {
    const [x, w, y] = [site.input(0), site.input(1), site.output(0)]
    if (!x || !w || !y) return
    site.same(x[0], y[0])
    site.same(x[1], w[0])
    site.same(site.input(2)?.[0] ?? y[1], y[1])
    const groups = attrInt(site.node, 'group', 1)
    if (groups === 1) site.same(w[1], y[1])
    else if (tieGroups(site, x[1], y[1], groups) === 'whole') site.fix([w[1]], 'has channels in groups')
    else if (w[1] && y[1]) for (const [i, position] of w[1].entries()) site.join(position, y[1][i])
    for (const axes of [x, w, y]) site.fix(axes.slice(2), slides)
  },
  cut: cut => cutGroups(cut, 1),
}

/** y = A' B' + C. */
export const gemm: Rule = {
  ops: ['Gemm', 'com.microsoft:FusedGemm'],
  tie(site) {
    const [a, b, y] = [site.input(0), site.input(1), site.output(0)]
    if (!a || !b || !y) return
    const ka = attrInt(site.node, 'transA', 0) !== 0 ? 0 : 1
    const kb = attrInt(site.node, 'transB', 0) !== 0 ? 1 : 0
    site.same(a[ka], b[kb])
    site.same(a[1 - ka], y[0])
    site.same(b[1 - kb], y[1])
    broadcast(site, [2])
  },
}

/** a [..., M, K], b [..., K, N]. Of two activations, only the axes that both are stacked along are followed: attention heads. */
export const matmul: Rule = {
  ops: ['MatMul'],
  tie(site) {
    const [a, b, y] = [site.input(0), site.input(1), site.output(0)]
    if (!a || !b || !y) return
    if (a.length < 2 || b.length < 2) {
      for (const axes of [a, b, y]) site.fix(axes, 'multiplies by a vector')
      return
    }
    const shift = (axes: readonly Axis[]): number => y.length - axes.length
    for (const axes of [a, b])
      for (const [i, axis] of axes.slice(0, -2).entries()) {
        const other = y[i + shift(axes)]
        if (axis?.length !== 1 || other?.length === 1) site.same(axis, other)
      }
    site.same(a.at(-1)!, b.at(-2)!)
    site.same(a.at(-2)!, y.at(-2)!)
    site.same(b.at(-1)!, y.at(-1)!)
    if (!site.constant(0) && !site.constant(1))
      for (const axes of [a, b, y]) site.fix(axes.slice(-2), 'multiplies two activations along this axis')
  },
}

/** x [..., input], W [directions, gates * hidden, input]; the state is fed back, and stays whole. */
export const recurrent: Rule = {
  ops: ['RNN', 'GRU', 'LSTM'],
  reading: { input: 1, axis: 2 },
  tie(site) {
    const [x, w] = [site.input(0), site.input(1)]
    const why = 'feeds its state back'
    if (x && w) {
      site.same(x[2], w[2])
      site.fix(x.slice(0, 2), why)
      site.fix(w.slice(0, 2), why)
    }
    for (let i = 2; i < site.node.inputs.length; i++) site.fix(site.input(i), why)
    for (let i = 0; i < site.node.outputs.length; i++) site.fix(site.output(i), why)
  },
}
