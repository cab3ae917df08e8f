// all-MiniLM-L6-v2 in eight bits, judged by sentences in Python's onnxruntime. The model lies under .cache (node scripts/models/minilm.mjs gets
// it) and is never part of the repository. What takes minutes (GPTQ, all sentences, speed) is measured by hand with
// scripts/models/judge-minilm.py and the recipes of docs/transformers.md.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { barOn } from '../../scripts/cpu.mjs'
import { root, scratch, thimble } from './cli.ts'
import { saveJson } from './files.ts'
import { python, runPython } from './python.ts'

const minilm = join(root, '.cache/minilm/model.onnx')
const missing = python === null || !existsSync(minilm)
if (missing)
  console.log(`MiniLM is not run: it needs ${minilm} (node scripts/models/minilm.mjs) and Python's onnxruntime.`)

const work = scratch()

/** Bytes, and mean cosine of every tenth sentence's embedding with the float model's. */
async function compressed(name: string, step: object, form: string, ...args: string[]) {
  const recipe = saveJson(join(work, `${name}.json`), {
    thimble: 1,
    steps: [{ do: 'optimize' }, { do: 'quantize', ...step }, { do: 'export', target: 'onnxruntime', form }],
  })
  const { status, stderr } = await thimble('compress', minilm, '--recipe', recipe, '--out', join(work, name), ...args)
  expect(stderr).not.toMatch(/^thimble:/m)
  expect(status).toBe(0)
  const model = join(work, name, `onnxruntime-${form}`, 'model.onnx')
  const judge = join(root, 'scripts/models/judge-minilm.py')
  const judged = JSON.parse(await runPython(judge, minilm, model, '--every', '10', '--no-speed'))
  return { bytes: statSync(model).size, cosine: judged[1].cosine as number }
}

describe.skipIf(missing)('MiniLM', { timeout: 180_000 }, () => {
  test('without data, in a quarter of the bytes, embeddings included', async () => {
    const step = {
      weights: 'int8',
      activations: 'float32',
      granularity: 'block:64',
      layers: { 'op:Gather': { granularity: 'channel' } },
    }
    const { bytes, cosine } = await compressed('int8', step, 'nbits')
    expect(bytes).toBeLessThanOrEqual(23_600_000)
    expect(cosine).toBeGreaterThanOrEqual(0.9997)
  })

  test('smoothed, with activations in eight bits too', async () => {
    const step = {
      weights: 'int8',
      activations: 'float32',
      repairs: ['smooth'],
      layers: { '/encoder/layer.*/output/dense/MatMul': { granularity: 'block:128' } },
    }
    const calibration = join(root, 'test/models/minilm-calibration.npz')
    const { bytes, cosine } = await compressed('dynamic', step, 'dynamic', '--data', calibration, '--samples', '32')
    expect(bytes).toBeLessThanOrEqual(23_600_000)
    expect(cosine).toBeGreaterThanOrEqual(barOn('MiniLM, its activations in eight bits too', 0.998, 0.997))
  })
})
