// Moments of BatchNormalization while a network learns: those of all shards together, and only where they are its own.
import { expect, test } from 'vitest'
import { inTrainingForm, keepMoments, type Moments, normsIn } from '../../src/stages/train/batch-statistics.ts'
import { build } from '../build.ts'

const momentsOf = (x: number[]): { mean: number; variance: number } => {
  const mean = x.reduce((a, b) => a + b, 0) / x.length
  return { mean, variance: x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length }
}

test('the moments of uneven shards together are those of all samples', () => {
  const shards = [[1, 2, 6], [-4, 8], [0.5]]
  const found = shards.map((x): Moments => {
    const { mean, variance } = momentsOf(x)
    return { samples: x.length, mean: Float32Array.of(mean), variance: Float32Array.of(variance) }
  })
  const whole = momentsOf(shards.flat())
  const [mean, variance] = [Float32Array.of(10), Float32Array.of(100)]
  keepMoments(mean, variance, 0.75, found)
  expect(mean[0]).toBeCloseTo(0.75 * 10 + 0.25 * whole.mean, 5)
  expect(variance[0]).toBeCloseTo(0.75 * 100 + 0.25 * whole.variance, 4)
  for (let k = 0; k < 100; k++) keepMoments(mean, variance, 0.75, found)
  expect(mean[0]).toBeCloseTo(whole.mean, 5)
  expect(variance[0]).toBeCloseTo(whole.variance, 4)
})

test('moments that two nodes share are nobody’s to move', () => {
  const { graph } = build(`graph (x: f32[N,2,4]) -> (y) {
    a = BatchNormalization(x, s1: f32[2], b1: f32[2], m1: f32[2], v1: f32[2])
    b = BatchNormalization(a, s2: f32[2], b2: f32[2], m2: f32[2], v2: f32[2]) {momentum=0.5}
    y = BatchNormalization(b, s3: f32[2], b3: f32[2], m1, v3: f32[2])
  }`)
  const norms = normsIn(graph.nodes, () => true)
  expect(norms).toEqual([{ node: graph.nodes[1].id, mean: 'm2', variance: 'v2', keep: 0.5 }])
  const forms = inTrainingForm(graph.nodes, norms).map(n => n.outputs.length)
  expect(forms).toEqual([1, 3, 1])
})
