import { expect, test } from 'vitest'
import { parseGraph, parseModel } from '../../src/ir/parse.ts'
import { printGraph, printModel } from '../../src/ir/print.ts'
import { build } from '../build.ts'

test('the example of the design prints as it was written', () => {
  const text = `graph (x: f32[1,3,32,32]) -> (y) {
  c = Conv(x, w: f32[16,3,3,3], b: f32[2]{0.5, 1}) {pads=[1,1,1,1]}
  y = Relu(c)
}
`
  expect(printGraph(build(text).graph)).toBe(text)
})

test('whatever is printed reads back as the same graph', () => {
  const graph = parseGraph(`
    graph net (x: f32[N,?,"a b"], "1": i64, w: f32[2]{1, 2}) -> (y: f32[2,2], z, "if:0") {
      lost: f32[3]{1, 2, 3}
      r: f32[0,-1] = Reshape(x, i64[2]{0, -1})
      q = Q(r, u4[3]{1, 15, 0}, i4[2]{-8, 7}, f16[3]{0.5, nan, -inf}, bf16[1]{3.25}, bool[2]{1, 0}, i64[]{-9223372036854775808})
      y = com.microsoft.FusedConv(q, _, w, w) {activation="Relu", alpha=0.1, big=9007199254740993, axes=[-1,2], s=[1.0, 1e-7], n=["a", "b\\n"]} as "conv (1)"
      "if:0", _ = If("1") {
        t = graph t () -> (a) {
          a = Constant() {value=str[2]{"x", "y\\"z"}, v=f32[2]{0.1, -0}}
        },
        e = graph e () -> (b) { b = Add(r, lost) {a=@alpha:1} }
      }
      z = "odd.op"(y)
    }`)
  const text = printGraph(graph)
  expect(parseGraph(text)).toEqual(graph)
  expect(printGraph(parseGraph(text))).toBe(text)
})

test('a model prints with its operator sets and functions', () => {
  const text = `opset 17
opset local 1
function local.Twice (a) -> (b) {
  b = Add(a, a)
}
graph (x: f32[2]) -> (y) {
  y = local.Twice(x)
}
`
  expect(printModel(parseModel(text))).toBe(text)
})
