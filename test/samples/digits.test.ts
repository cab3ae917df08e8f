// The digit recogniser: its training, and that what is kept does what it says.
import { describe, expect, it } from 'vitest'
import { readDigits, splitDigits } from '../../scripts/samples/digits/data.ts'
import { digitFiles } from '../../scripts/samples/digits/files.ts'
import {
  type Batch,
  batchNorm,
  conv,
  dense,
  depthwise,
  globalAveragePool,
  relu,
  residual,
  sequence,
} from '../../scripts/samples/digits/layers.ts'
import { crossEntropy, trainDigits } from '../../scripts/samples/digits/train.ts'
import { createRng } from '../../src/base/rng.ts'
import { npyBytes, openModel, read, samples, Tensor, unzip } from './files.ts'

const digits = samples.find(sample => sample.id === 'digits')!

describe('training', () => {
  it('has gradients that agree with central differences', () => {
    const rng = createRng(3)
    const network = sequence(
      conv(3, 2, 4, 2, rng),
      batchNorm(4),
      residual(sequence(conv(3, 4, 4, 1, rng), batchNorm(4), relu())),
      depthwise(4, 2, rng),
      globalAveragePool(),
      dense(4, 3, rng),
    )
    const x: Batch = { data: Float64Array.from({ length: 4 * 7 * 7 * 2 }, () => rng.normal()), shape: [4, 7, 7, 2] }
    const labels = [0, 2, 1, 2]
    const loss = (): number => crossEntropy(network.forward(x, true), labels).loss
    const dx = network.backward(crossEntropy(network.forward(x, true), labels).grad)
    const step = 1e-5
    const slope = (data: Float64Array, i: number): number => {
      const value = data[i]
      data[i] = value + step
      const above = loss()
      data[i] = value - step
      const below = loss()
      data[i] = value
      return (above - below) / (2 * step)
    }
    for (const { data, grad } of [...network.parameters, { data: x.data, grad: dx.data }])
      for (let i = 0; i < data.length; i += Math.ceil(data.length / 12)) expect(grad[i]).toBeCloseTo(slope(data, i), 7)
  })

  it('gives the same bytes from the same seed', async () => {
    const short = { epochs: 1, trainCount: 128 }
    const once = await digitFiles(trainDigits(short))
    const again = await digitFiles(trainDigits(short))
    for (const [name, bytes] of Object.entries(once)) expect(Buffer.compare(bytes, again[name]), name).toBe(0)
  }, 120_000)
})

describe('data', () => {
  const split = splitDigits(readDigits(), createRng(1, 'digits/split'))
  const pictures = (file: string): Uint8Array[] => {
    const { shape, data } = npyBytes(unzip(file)['image.npy'])
    expect(shape.slice(1)).toEqual([28, 28, 1])
    return Array.from({ length: shape[0] }, (_, i) => data.subarray(i * 784, (i + 1) * 784))
  }
  const key = (picture: Uint8Array): string => Buffer.from(picture).toString('base64')

  it('is 256 digits to calibrate and 1,000 labelled ones to evaluate, as the split of the package gives them', () => {
    const labels = npyBytes(unzip(digits.evaluation[0])['labels.npy'])
    expect(pictures(digits.data[0]).map(key)).toEqual(split.calibration.images.map(key))
    expect(pictures(digits.evaluation[0]).map(key)).toEqual(split.evaluation.images.map(key))
    expect([...labels.data]).toEqual(split.evaluation.labels)
    expect([split.calibration.images.length, split.evaluation.images.length]).toEqual([256, 1000])
    expect(unzip(digits.data[0])['labels.npy']).toBeUndefined()
  })

  it('evaluates on pictures that neither training nor calibration saw', () => {
    const seen = new Set(split.train.images.map(key))
    expect(split.evaluation.images.filter(picture => seen.has(key(picture)))).toHaveLength(0)
    for (const picture of split.calibration.images) expect(seen.has(key(picture))).toBe(true)
  })

  it('has every digit between 60 and 140 times among the thousand', () => {
    for (let digit = 0; digit < 10; digit++) {
      const count = split.evaluation.labels.filter(label => label === digit).length
      expect(count).toBeGreaterThan(60)
      expect(count).toBeLessThan(140)
    }
  })
})

it('the model that is kept gets at least 97.5 % of the held-out digits right, as its metadata say', async () => {
  const session = await openModel(digits)
  const { 'image.npy': image, 'labels.npy': labels } = unzip(digits.evaluation[0])
  const { data } = npyBytes(image)
  const expected = npyBytes(labels).data
  let right = 0
  for (let from = 0; from < expected.length; from += 100) {
    const x = Float32Array.from(data.subarray(from * 784, (from + 100) * 784), pixel => (pixel / 255 - 0.1307) / 0.3081)
    const { logits } = await session.run({ image: new Tensor('float32', x, [100, 1, 28, 28]) })
    for (let i = 0; i < 100; i++) {
      const row = (logits.data as Float32Array).subarray(i * 10, i * 10 + 10)
      if (row.indexOf(Math.max(...row)) === expected[from + i]) right++
    }
  }
  await session.release()
  const percent = (100 * right) / expected.length
  expect(percent).toBeGreaterThanOrEqual(97.5)
  expect(new TextDecoder().decode(read(digits.model))).toContain(`${percent} % of 1000`)
})
