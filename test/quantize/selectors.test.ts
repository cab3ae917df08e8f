import { expect, test } from 'vitest'
import { editDistance } from '../../src/base/nearest.ts'
import { select } from '../../src/stages/quantize/selectors.ts'
import { build } from '../build.ts'

const { nodes } = build(`graph (x: f32[1,4]) -> (head) {
  layer1_conv = Relu(x)
  layer1_relu = Relu(layer1_conv)
  layer2_conv = Sigmoid(layer1_relu)
  head = Relu(layer2_conv)
}`).graph

test('an id, a glob, a type, first and last each mean what they say', () => {
  expect(select('layer2_conv', nodes, nodes)).toEqual(['layer2_conv'])
  expect(select('layer1_*', nodes, nodes)).toEqual(['layer1_conv', 'layer1_relu'])
  expect(select('op:Sigmoid', nodes, nodes)).toEqual(['layer2_conv'])
  expect(select('first', nodes, nodes)).toEqual(['layer1_conv'])
  expect(select('last', nodes, nodes)).toEqual(['head'])
})

test('a selector that matches nothing is an error that lists near names', () => {
  expect(() => select('layer3_conv', nodes, nodes)).toThrow(/matches no node/)
  try {
    select('layer3_conv', nodes, nodes)
  } catch (error) {
    expect((error as { hint: string }).hint).toContain('layer2_conv')
  }
})

test('Levenshtein: kitten to sitting takes three edits', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3)
})
