// A network that sees whether there is a person, with one layer given a wild channel that changes nothing in floats: which layer and
// channel is it, and does the remedy bring the accuracy back?
import { existsSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { fileSource } from '../../src/host/node/files.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes, readFloats } from '../../src/ir/bytes.ts'
import { edit } from '../../src/ir/edit.ts'
import { floats, tensorOf } from '../../src/ir/tensor.ts'
import type { Diagnosis } from '../../src/jobs/diagnose.ts'
import { root, samples, scratch, thimble } from './cli.ts'

const shared = join(root, '../shared/data')
const path = join(shared, 'onnx/mlperf_vww96.onnx')
const missing = !existsSync(path)
if (missing) console.log(`The wild channel is not looked for: ${path} is missing.`)
const work = scratch()

/** Channel `channel` between a depthwise convolution and the next 1x1 is made small in the one and large in the other. */
async function wild(channel: number, times: number): Promise<{ model: string; node: string }> {
  const name = basename(path)
  const { model, sources } = await importModel(new Map([[name, await fileSource(path)]]))
  const bytes = createBytes(sources)
  const { nodes, values } = model.graph
  const convs = nodes.filter(n => n.op === 'Conv')
  const at = convs.findIndex((n, i) => i > 4 && values.get(n.inputs[1]!)!.data!.shape[1] === 1)
  const [depthwise, pointwise] = [convs[at], convs[at + 1]]
  const scaled = new Map<string, Float32Array>()
  for (const value of [depthwise.inputs[1]!, depthwise.inputs[2]!]) {
    const data = (await readFloats(bytes, values.get(value)!.data!)).slice()
    const each = data.length / values.get(value)!.data!.shape[0]
    for (let i = channel * each; i < (channel + 1) * each; i++) data[i] /= times
    scaled.set(value, data)
  }
  const weight = pointwise.inputs[1]!
  const inputs = values.get(weight)!.data!.shape[1]
  const data = (await readFloats(bytes, values.get(weight)!.data!)).slice()
  for (let i = channel; i < data.length; i += inputs) data[i] *= times
  scaled.set(weight, data)
  const graph = edit(model.graph, e => {
    for (const [value, changed] of scaled)
      e.setValue({ ...e.value(value)!, data: tensorOf(floats(values.get(value)!.data!.shape, changed)) })
  })
  const file = join(work, 'wild.onnx')
  writeFileSync(file, await encodeModel({ ...model, graph }, bytes))
  return { model: file, node: pointwise.id }
}

describe.skipIf(missing)('a wild channel', () => {
  test('is named first, and equalisation brings back what it cost', async () => {
    const { model, node } = await wild(11, 200)
    const args = ['--data', join(shared, 'imagenet/calib64'), '--samples', '16', '--seconds', '1', '--json']
    const { status, stdout, stderr } = await thimble('diagnose', model, ...args)
    expect(stderr).not.toMatch(/^thimble:/m)
    expect(status).toBe(0)
    const found: Diagnosis = JSON.parse(stdout)
    expect(found.blamed[0].node).toBe(node)
    expect(found.blamed[0].share).toBeGreaterThan(0.5)
    expect(found.blamed[0].roundings[0].of).toBe('weights')
    expect(found.blamed[0].causes[0]).toMatchObject({ kind: 'outlier-channel', of: 'weights-in', channel: 11 })
    const [best] = found.remedies
    expect(best.quantize.repairs).toContain('equalize')
    expect(best.sqnrDb - found.before.sqnrDb).toBeGreaterThan(10)
    expect(best.loss).toBeLessThanOrEqual(found.before.loss)
  })
})

test('a recipe that rounds nothing has nothing to look for', async () => {
  const recipe = join(work, 'float.json')
  writeFileSync(recipe, JSON.stringify({ thimble: 1, steps: [{ do: 'optimize' }] }))
  const digits = join(samples, 'digits')
  const data = ['--data', join(digits, 'calibration.npz'), '--input', join(digits, 'input.json')]
  const { status, stderr } = await thimble('diagnose', join(digits, 'model.onnx'), ...data, '--recipe', recipe)
  expect(status).not.toBe(0)
  expect(stderr).toContain('makes no model of few bits')
  expect(stderr).toContain('Add the step quantize')
})
