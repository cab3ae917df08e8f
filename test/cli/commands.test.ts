// Every command but compress, once, through the built command line.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { readNpz, writeNpz } from '../../src/formats/npz.ts'
import { importModel } from '../../src/importers/index.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { arraysOf } from '../../src/jobs/verify.ts'
import { filesOf, samples, scratch, thimble } from '../flow/cli.ts'
import { saveJson } from '../flow/files.ts'

const work = scratch()
const digits = join(samples, 'digits/model.onnx')
const evaluation = join(samples, 'digits/evaluation.npz')
const calibration = join(samples, 'digits/calibration.npz')
const spec = join(samples, 'digits/input.json')

/** What a command prints, when all is well. */
async function run(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await thimble(...args)
  expect(status, stderr).toBe(0)
  return stdout
}

describe('inspect', () => {
  test('says what the model is, and holds', async () => {
    const text = await run('inspect', digits)
    expect(text).toMatch(/21,410 parameters, 1,895,408 MACs/)
    expect(text).toMatch(/input\s+image\s+float32\s+\[batch, 1, 28, 28\]/)
    expect(text).toMatch(/^Conv +\d+$/m)
    const json = JSON.parse(await run('inspect', digits, '--json'))
    expect(json).toMatchObject({ format: 'onnx', parameters: 21_410, badWeights: [], zeroChannels: [] })
  })
})

describe('lint', () => {
  test('counts what would run in integers, and says why the rest would not', async () => {
    const json = JSON.parse(await run('lint', digits, '--target', 'onnxruntime', '--json'))
    expect(json.integer).toBeGreaterThan(8)
    for (const finding of json.findings) expect(finding).toMatchObject({ level: 'float', why: expect.any(String) })
    expect(await run('lint', digits, '--target', 'onnxruntime')).toMatch(/operators would run in integers/)
  })
})

describe('evaluate', () => {
  test('gives the accuracy, and with a reference the difference', async () => {
    const one = await run('evaluate', digits, '--data', evaluation, '--input', spec)
    expect(one).toMatch(/top-1 98\.60 % on 1000 samples \(95 %: 97\.\d+ to 99\.\d+\)/)
    const args = ['evaluate', digits, '--data', evaluation, '--input', spec, '--reference', digits, '--json']
    const json = JSON.parse(await run(...args))
    expect(json.accuracy).toMatchObject({ value: 98.6, against: { difference: 0 } })
    expect(json.agreement).toMatchObject({ top1: 100, sqnrDb: 200, samples: 1000 })
  })
})

describe('convert', () => {
  test('writes the model as it is', async () => {
    const out = join(work, 'converted')
    const json = JSON.parse(await run('convert', digits, '--target', 'onnx', '--out', out, '--json'))
    expect(json).toMatchObject({ target: 'onnx', dir: 'onnx', notes: [] })
    const source = (name: string, bytes: Uint8Array) => new Map([[name, memorySource(name, bytes)]])
    const before = await importModel(source('a.onnx', readFileSync(digits)))
    const after = await importModel(source('b.onnx', filesOf(out).get('onnx/model.onnx')!))
    expect(after.model.graph.nodes).toEqual(before.model.graph.nodes)
    expect(after.model.opsets).toEqual(before.model.opsets)
  })
})

describe('targets', () => {
  test('lists them', async () => {
    expect(await run('targets')).toMatch(/^onnxruntime +ONNX Runtime \(CPU\)/m)
    const ids = JSON.parse(await run('targets', '--json')).map((t: { id: string }) => t.id)
    expect(ids).toEqual(expect.arrayContaining(['onnxruntime', 'ort-web', 'onnx']))
  })
})

describe('recipe', () => {
  test('preset prints one that check takes', async () => {
    const text = await run('recipe', 'preset', 'balanced')
    const file = join(work, 'balanced.json')
    writeFileSync(file, text)
    expect(JSON.parse(text).steps.map((s: { do: string }) => s.do)).toEqual(['optimize', 'quantize', 'evaluate'])
    expect(await run('recipe', 'check', file)).toBe(text)
  })
  test('check tells of steps in an order that cannot be', async () => {
    const file = saveJson(join(work, 'late.json'), { thimble: 1, steps: [{ do: 'quantize' }, { do: 'distil' }] })
    await expect(run('recipe', 'check', file)).rejects.toThrow(
      /quantised already when the step distil comes\n.*late\.json, step distil\n.*before quantize/,
    )
  })
})

describe('verify', () => {
  const out = join(work, 'bundle')
  const bundle = join(out, 'onnxruntime')
  let layers: Map<string, NdArray>

  beforeAll(async () => {
    const recipe = saveJson(join(work, 'quick.json'), {
      thimble: 1,
      steps: [{ do: 'optimize' }, { do: 'quantize' }],
    })
    const data = ['--data', calibration, '--input', spec, '--samples', '32']
    await run('compress', digits, ...data, '--recipe', recipe, '--out', out)
    const golden = memorySource('layers.npz', filesOf(bundle).get('golden/layers.npz')!)
    expect((await readNpz(golden)).size).toBeGreaterThan(5)
    layers = await arraysOf(new Map([['layers.npz', golden]]), 'layers.npz')
  })

  test('takes a bundle as it was written', async () => {
    expect(await run('verify', bundle)).toMatch(/ok {3}model\.onnx[\s\S]*The bundle is as it was written/)
  })

  test('a dump that equals the golden layers passes, as .npz and as text lines', async () => {
    const npz = join(work, 'same.npz')
    writeFileSync(npz, writeNpz(Object.fromEntries(layers)))
    const json = JSON.parse(await run('verify', bundle, '--dump', npz, '--json'))
    expect(json).toMatchObject({ ok: true, firstDifference: null, unknown: [] })
    expect(json.layers).toHaveLength(layers.size)

    const [[name, { data }]] = layers
    const text = join(work, 'same.txt')
    writeFileSync(text, Array.from(data as Float32Array, (x, i) => `${name} ${i} ${x}`).join('\n'))
    expect(JSON.parse(await run('verify', bundle, '--dump', text, '--json')).layers).toEqual([
      { name, sqnrDb: 200, maxAbs: 0, equal: true },
    ])
  })

  test('the first layer that differs is named, in the order of the graph, and the status is 1', async () => {
    const names = [...layers.keys()]
    const wrong = new Map(layers)
    for (const name of names.slice(3)) {
      const array = layers.get(name)!
      wrong.set(name, { ...array, data: Float32Array.from(array.data as Float32Array, (x, i) => x + (i % 3)) })
    }
    const npz = join(work, 'wrong.npz')
    // In another order than the graph's, as a device's dump may be.
    writeFileSync(npz, writeNpz(Object.fromEntries([...wrong].reverse())))
    const ended = await thimble('verify', bundle, '--dump', npz)
    expect(ended.status).toBe(1)
    expect(ended.stdout).toContain(`The dump first differs at ${names[3]}.`)
  })

  test('names in a dump that the bundle does not know are listed', async () => {
    const text = join(work, 'unknown.txt')
    writeFileSync(text, 'conv99 0 1.5\nconv99 1 2.5\n')
    expect(await run('verify', bundle, '--dump', text)).toMatch(/Not among the golden layers: conv99/)
  })

  test('a dump that is not there is refused', async () => {
    const { status, stderr } = await thimble('verify', bundle, '--dump', join(work, 'nowhere.npz'))
    expect(status).toBe(1)
    expect(stderr).toMatch(/There is no file at .*nowhere\.npz/)
  })

  test('a dump that is neither is refused with its line', async () => {
    const text = join(work, 'broken.txt')
    writeFileSync(text, 'conv1 0 1.5\nconv1 one two\n')
    const { status, stderr } = await thimble('verify', bundle, '--dump', text)
    expect(status).toBe(1)
    expect(stderr).toMatch(/Line 2 of broken\.txt is not "name index value"/)
  })

  test('a model that was changed after it was written is found out', async () => {
    const path = join(bundle, 'model.onnx')
    const bytes = readFileSync(path)
    bytes[bytes.length - 20] ^= 1
    writeFileSync(path, bytes)
    const { status, stdout } = await thimble('verify', bundle)
    expect(status).toBe(1)
    expect(stdout).toMatch(/FAIL model\.onnx: its content has changed/)
  })

  test('a folder that is no bundle is refused', async () => {
    const { status, stderr } = await thimble('verify', out)
    expect(status).toBe(1)
    expect(stderr).toMatch(/There is no manifest\.json here[\s\S]*OUT\/onnxruntime/)
  })
})
