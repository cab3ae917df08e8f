// AdaRound on real networks through the built command line: in every layer less error than rounding to nearest leaves. The models and
// data lie outside the repository.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/jobs/report.ts'
import { root, scratch, thimble } from './cli.ts'
import { saveJson } from './files.ts'

const shared = join(root, '../shared/data')
const missing = !existsSync(join(shared, 'onnx'))
if (missing) console.log(`AdaRound is not tried on real models: ${shared} is missing.`)

const work = scratch()
const recipe = saveJson(join(work, 'recipe.json'), {
  thimble: 1,
  steps: [
    { do: 'optimize' },
    { do: 'quantize', weights: 'int4', repairs: ['adaround'], iterations: 60 },
    { do: 'evaluate', layerSamples: 2, latency: false },
  ],
})

describe.skipIf(missing)('AdaRound', () => {
  test.each([
    ['cifar10_resnet20', ['cifar10/calib512.json', '--input', 'cifar10/input.json']],
    ['mlperf_resnet8', ['cifar10/calib512.json', '--input', 'cifar10/input-raw-nhwc.json']],
    ['mlperf_kws', ['kws/calib200.npz']],
  ])(
    '%s: every layer of 4 bits is closer than rounded to nearest',
    async (name, [data, ...spec]) => {
      const { status, stdout, stderr } = await thimble(
        'compress',
        join(shared, `onnx/${name}.onnx`),
        '--data',
        join(shared, data),
        ...spec.map((word, i) => (i === 1 ? join(shared, word) : word)),
        ...['--recipe', recipe, '--samples', '64', '--target', 'onnxruntime', '--out', join(work, name), '--json'],
      )
      expect(stderr).not.toMatch(/^thimble:/m)
      expect(status).toBe(0)
      const { notes } = JSON.parse(stdout) as Report
      expect(notes.filter(note => note.includes('is not learned'))).toEqual([])
      const [, mean, worst] = notes.join('\n').match(/AdaRound left ([\d.]+) % .* at most ([\d.]+) %/)!
      expect(Number(worst)).toBeLessThan(100)
      expect(Number(mean)).toBeLessThan(80)
    },
    300_000,
  )
})
