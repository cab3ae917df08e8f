// Thresholds on stored histograms, bin for bin as the originals choose them: reference.py runs those and makes reference.json.
import { describe, expect, test } from 'vitest'
import * as ncnn from '../../src/stages/calibrate/originals/ncnn.ts'
import * as onnxruntime from '../../src/stages/calibrate/originals/onnxruntime.ts'
import * as tensorrt from '../../src/stages/calibrate/originals/tensorrt.ts'
import reference from './reference.json' with { type: 'json' }

const { cases, percentiles } = reference
const bins = 2048
const named = cases.map(c => [c.name, c] as const)
const largestOf = (c: { min: number; max: number }): number => Math.max(-c.min, c.max)
const histogram = (counts: string): Float64Array => Float64Array.from(counts.split(' '), Number)

describe.each(named)('%s', (_, c) => {
  const largest = largestOf(c)
  const absolute = histogram(c.absolute)

  test('entropy of TensorRT, signed and unsigned', () => {
    expect(tensorrt.klBins(absolute, 128)).toBe(c.tensorrt.kl.signed)
    expect(tensorrt.klBins(absolute, 256)).toBe(c.tensorrt.kl.unsigned)
  })

  test('squared error of TensorRT, signed and unsigned', () => {
    expect(tensorrt.mseBins(absolute, largest, 127)).toBe(c.tensorrt.mse.signed + 0.5)
    expect(tensorrt.mseBins(absolute, largest, 255)).toBe(c.tensorrt.mse.unsigned + 0.5)
  })

  test('percentiles of TensorRT', () => {
    expect(percentiles.map(p => tensorrt.percentileBins(absolute, p))).toEqual(c.tensorrt.percentile)
  })

  test('entropy of ncnn, and its threshold to the bit', () => {
    const withoutZeros = absolute.slice()
    withoutZeros[0] -= c.zeros
    const kept = ncnn.klBins(withoutZeros)
    expect(kept).toBe(c.ncnn.kl + 0.5)
    expect(Math.fround(Math.fround(kept * largest) / bins)).toBe(Math.fround(c.ncnn.threshold))
  })

  const signed = histogram(c.signed)

  test('entropy of ONNX Runtime', () => {
    expect(onnxruntime.klEdges(signed)).toEqual(c.onnxruntime.kl)
  })

  test('percentiles of ONNX Runtime, affine and symmetric', () => {
    const { affine, symmetric } = c.onnxruntime.percentile
    expect(percentiles.map(p => onnxruntime.percentileEdges(signed, p))).toEqual(affine)
    expect(percentiles.map(p => onnxruntime.percentileBins(absolute, p))).toEqual(symmetric)
  })
})
