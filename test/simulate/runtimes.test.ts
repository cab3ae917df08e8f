// The integer executor against runtimes in Python: LiteRT's reference kernels, TFLite Micro, onnxruntime. Each is asked live where
// THIMBLE_TFLITE_PYTHON, THIMBLE_TFLM_PYTHON or THIMBLE_PYTHON names a Python that has it (LAYERS layers of every operator; versions
// stand in each file of vectors; OPERATORS=Conv|Add asks for some); what they once answered is kept in vectors/ and checked everywhere. WRITE_VECTORS=1 keeps anew.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import type { Context } from '../../src/ir/context.ts'
import type { ArithmeticId } from '../../src/stages/simulate/arithmetic/index.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'
import { dump, plainFeeds } from './dump.ts'
import { codesFor } from './feeds.ts'
import { layers, type Make, type Style, tfliteLayers } from './layers.ts'
import { differences, expectEqual, readVectors, type Vector, type Vectors, vectorsFile } from './vectors.ts'

const count = Number(process.env.LAYERS ?? 10)
const kept = 3 // of every operator

interface Runtime {
  id: string
  arithmetic: ArithmeticId
  python: string | undefined
  script: string
  style: Style
  layers: Record<string, Make>
}

const inIntegers = Object.fromEntries(Object.entries(layers).filter(([name]) => !/float|layout/.test(name)))
const tflite = {
  style: { activation: 'i8', symmetricWeights: true } as const,
  layers: { ...inIntegers, ...tfliteLayers },
}
const tables = /Sigmoid|Tanh|HardSwish|Softmax|Resize/ // in 16 bits the executor, or TFLite Micro, does not know them
const wide = {
  style: { activation: 'i16', symmetricWeights: true } as const,
  layers: Object.fromEntries(Object.entries(tflite.layers).filter(([name]) => !tables.test(name))),
}
const runtimes: Runtime[] = [
  { id: 'litert', arithmetic: 'tflite', python: process.env.THIMBLE_TFLITE_PYTHON, script: 'run-tflite.py', ...tflite },
  { id: 'tflm', arithmetic: 'tflm', python: process.env.THIMBLE_TFLM_PYTHON, script: 'run-tflite.py', ...tflite },
  {
    id: 'litert-16x8',
    arithmetic: 'tflite',
    python: process.env.THIMBLE_TFLITE_PYTHON,
    script: 'run-tflite.py',
    ...wide,
  },
  { id: 'tflm-16x8', arithmetic: 'tflm', python: process.env.THIMBLE_TFLM_PYTHON, script: 'run-tflite.py', ...wide },
  {
    id: 'onnxruntime',
    arithmetic: 'ort',
    python: process.env.THIMBLE_PYTHON,
    script: 'run-onnxruntime.py',
    style: { activation: 'u8', symmetricWeights: false },
    layers,
  },
]

// Python's onnxruntime has vector code of its own for the others: one step in one value of ten thousand.
const exact = (runtime: Runtime, name: string): boolean =>
  runtime.id !== 'onnxruntime' || /^(Conv|Gemm|MatMul)/.test(name)

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

describe.each(runtimes.map(r => [r.id, r] as const))('%s', (_, runtime) => {
  test('the kept vectors', async () => {
    const { layers } = readVectors(runtime.id)
    expect(layers.length).toBeGreaterThan(20)
    for (const vector of layers) await expectEqual(vector, runtime.arithmetic, ctx)
  })

  const live = runtime.python ? test : test.skip
  live(
    `${count} random layers of every operator, live`,
    async () => {
      const made: Vector[] = []
      let name = ''
      for (const [operator, make] of Object.entries(runtime.layers)) {
        if (!new RegExp(process.env.OPERATORS ?? '').test(operator)) continue
        const { runtime: version, layers } = await answers(runtime, operator, make)
        name = version
        made.push(...layers.slice(0, kept).filter(() => exact(runtime, operator)))
        const values = layers.reduce((sum, v) => sum + v.data.length, 0)
        let different = 0
        for (const vector of layers) {
          const { count, largest } = await differences(vector, runtime.arithmetic, ctx)
          different += count
          // A float that differs differs by its own step; a layer to floats is always exact.
          if (count > 0) expect(largest, vector.text).toBeLessThanOrEqual(exact(runtime, operator) ? 0 : 1)
        }
        if (different > 0)
          console.log(`${runtime.id}, ${operator}: ${different} of ${values} values differ by one step`)
        if (exact(runtime, operator)) expect(different).toBe(0)
        else expect(different / values).toBeLessThanOrEqual(count < 1000 ? 0.001 : 0.0001)
      }
      if (process.env.WRITE_VECTORS) {
        const vectors: Vectors = { runtime: name, arithmetic: runtime.arithmetic, layers: made }
        writeFileSync(vectorsFile(runtime.id), `${JSON.stringify(vectors).replaceAll('{"name"', '\n{"name"')}\n`)
      }
    },
    60_000 + 2_000 * count,
  )
})

/** Random layers of one operator with what the runtime makes of them. */
async function answers(runtime: Runtime, name: string, make: Make): Promise<{ runtime: string; layers: Vector[] }> {
  const made = Array.from({ length: count }, (_, i) => {
    const layer = make(createRng(i, name), runtime.style)
    const model = build(layer.text, { opset: layer.opset })
    return { ...layer, model, feeds: codesFor(model, createRng(i, 'feeds')) }
  })
  const asked = await Promise.all(
    made.map(async ({ model, feeds }) =>
      runtime.id === 'onnxruntime'
        ? { model: Buffer.from(await encodeModel(model, ctx.bytes)).toString('base64'), feeds: plainFeeds(feeds) }
        : dump(model, feeds),
    ),
  )
  const folder = mkdtempSync(join(tmpdir(), 'thimble-layers-'))
  try {
    const [from, to] = [join(folder, 'layers.json'), join(folder, 'results.json')]
    writeFileSync(from, JSON.stringify(asked))
    const script = fileURLToPath(new URL(runtime.script, import.meta.url))
    execFileSync(runtime.python!, [script, from, to], { stdio: ['ignore', 'ignore', 'pipe'] })
    const { runtime: version, results } = JSON.parse(readFileSync(to, 'utf8'))
    const refused = results.find((r: { refused?: string }) => r.refused)
    expect(refused, `${name}: ${refused?.refused}`).toBeUndefined()
    const vectors = made.map(({ text, opset, feeds }, i) => ({
      name,
      text,
      opset,
      feeds: plainFeeds(feeds),
      ...results[i],
    }))
    return { runtime: version, layers: vectors }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
