// Calibration data spoilt as people spoil them, through the built command line on ResNet20: each is named on stderr and in the
// report, and either costs nothing or is said of the whole set. Never a silent loss.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/jobs/report.ts'
import { hasSharedData, sharedData } from '../data/shared.ts'
import { scratch, thimble } from './cli.ts'
import { saveJson, saveNpz } from './files.ts'

const work = scratch()
const recipe = saveJson(join(work, 'recipe.json'), {
  thimble: 1,
  steps: [{ do: 'optimize' }, { do: 'quantize' }, { do: 'evaluate', layerSamples: 0, latency: false }],
})
const count = 64
const judged = 400 // one standard error of top-1 is about 1.4 points, but differences are on the same pictures
const plane = 32 * 32
const image = 3 * plane
const mean = [0.485, 0.456, 0.406]
const std = [0.229, 0.224, 0.225]

const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(sharedData, 'cifar10', name)))

/** Pixels (N, H, W, C) to (N, C, H, W), each through `of`. */
function planes(pixels: Uint8Array, of: (pixel: number, channel: number) => number): Float32Array {
  const out = new Float32Array(pixels.length)
  for (let n = 0; n < pixels.length / image; n++)
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < plane; i++) out[n * image + c * plane + i] = of(pixels[n * image + i * 3 + c], c)
  return out
}

const normalised = (pixel: number, c: number): number => (pixel / 255 - mean[c]) / std[c]

describe.skipIf(!hasSharedData)('spoilt calibration data on ResNet20', () => {
  const labelled = join(work, 'labelled.npz')
  let pixels: Uint8Array
  let good: Float32Array
  let clean: Report

  async function calibrateOn(name: string, data: Float32Array): Promise<{ report: Report; stderr: string }> {
    const shape = [count, 3, 32, 32]
    const file = saveNpz(join(work, `${name}.npz`), { input: { dtype: 'float32', shape, data } })
    const { status, stdout, stderr } = await thimble(
      ...['compress', join(sharedData, 'onnx/cifar10_resnet20.onnx'), '--data', file, '--eval', labelled],
      ...['--input', join(sharedData, 'cifar10/input.json'), '--recipe', recipe, '--out', join(work, name), '--json'],
    )
    expect(stderr).not.toMatch(/^thimble:/m)
    expect(status).toBe(0)
    return { report: JSON.parse(stdout), stderr }
  }

  const spoilt = (change: (data: Float32Array) => void): Float32Array => {
    const copy = good.slice()
    change(copy)
    return copy
  }
  const loss = (report: Report): number => clean.after!.accuracy!.value - report.after!.accuracy!.value

  beforeAll(async () => {
    pixels = read('calib512_images.bin').subarray(0, count * image)
    good = planes(pixels, normalised)
    saveNpz(labelled, {
      input: { dtype: 'uint8', shape: [judged, 32, 32, 3], data: read('test846_images.bin').slice(0, judged * image) },
      labels: { dtype: 'uint8', shape: [judged], data: read('test846_labels.bin').slice(0, judged) },
    })
    clean = (await calibrateOn('clean', good)).report
  })

  test('good data raise no suspicion and cost less than a point', () => {
    expect(clean.data).toEqual({ samples: count, skipped: [], suspicious: [] })
    expect(clean.after!.accuracy!.against!.difference).toBeGreaterThan(-1)
  })

  test.for([
    ['NaN', Number.NaN, /NaN/],
    ['10,000', 1e4, /a value of 10000, 4\d{3} times what others reach/],
    ['20', 20, /a value of 20 where the input spec gives -2.12 to 2.64/],
  ] as const)('one pixel of %s: the sample is named, left out, and nothing is lost', async ([name, value, words]) => {
    const { report, stderr } = await calibrateOn(
      `pixel${name}`,
      spoilt(data => {
        data[5 * image + 100] = value
      }),
    )
    expect(report.data.samples).toBe(count - 1)
    expect(report.data.skipped).toEqual([{ sample: `pixel${name}.npz[5]`, why: expect.stringMatching(words) }])
    expect(report.data.suspicious).toEqual([{ sample: `pixel${name}.npz[5]`, what: expect.stringMatching(words) }])
    expect(stderr).toContain(`pixel${name}.npz[5]`)
    expect(Math.abs(loss(report))).toBeLessThanOrEqual(1)
  })

  test('an image of zeros is named, and nothing is lost', async () => {
    const { report, stderr } = await calibrateOn(
      'zero',
      spoilt(data => data.fill(0, 7 * image, 8 * image)),
    )
    expect(report.data.suspicious).toEqual([{ sample: 'zero.npz[7]', what: "all values of 'input' are 0" }])
    expect(stderr).toMatch(/zero\.npz\[7\]: all values of 'input' are 0/)
    expect(Math.abs(loss(report))).toBeLessThanOrEqual(1)
  })

  test.for([
    [
      'pixels0to255',
      /pixels of 0 to 255 .*un-normalised, so the spec was applied/,
      () => planes(pixels, pixel => pixel),
    ],
    ['pixels0to1', /pixels of 0 to 1 .*un-normalised, so the spec was applied/, () => planes(pixels, p => p / 255)],
    [
      'swappedLayout',
      /swapped layout: the values lie as NHWC.*transpose/,
      () => Float32Array.from(pixels, (p, i) => normalised(p, i % 3)),
    ],
  ] as const)(
    '%s: said of all samples, in the report and loudly on stderr, and little is lost',
    async ([name, words, make]) => {
      const { report, stderr } = await calibrateOn(name, make())
      expect(report.data.suspicious).toEqual([{ sample: 'all samples', what: expect.stringMatching(words) }])
      expect(stderr).toMatch(new RegExp(`^warning: all samples: .*${words.source}`, 'm'))
      expect(loss(report)).toBeLessThanOrEqual(1)
    },
  )

  test('all zeros: said of all samples, and inputs are made up instead, loudly; at most a point is lost', async () => {
    const { report, stderr } = await calibrateOn('zeros', new Float32Array(good.length))
    const what = "all values of 'input' are 0"
    expect(report.data.suspicious).toEqual([{ sample: 'all samples', what }])
    expect(stderr).toContain(`warning: all samples: ${what}.`)
    expect(report.estimated).toMatch(/^Every sample of zeros\.npz .* ARE ESTIMATES from \d+ synthesised inputs/)
    expect(stderr).toContain(`warning: ${report.estimated}`)
    expect(report.data.samples).toBe(0)
    expect(loss(report)).toBeLessThanOrEqual(1)
  })
})
