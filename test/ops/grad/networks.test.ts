// Gradients of whole networks beside PyTorch's, in float64: those that gradients.py wrote into gradients.json (PyTorch 1.13.1), and
// those of the PyTorch that is installed here.
//
// To write them again: THIMBLE_NETWORKS=folder npx vitest run test/ops/grad/networks.test.ts, which leaves each network as JSON there;
// then python3 test/ops/grad/gradients.py folder > test/ops/grad/gradients.json with a Python that has torch.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { createKernels } from '../../../kernels/lib/backends.ts'
import type { KernelSet } from '../../../src/ir/context.ts'
import type { Model } from '../../../src/ir/model.ts'
import type { NdArray } from '../../../src/ir/tensor.ts'
import { training } from '../../../src/stages/train/index.ts'
import { arraysFor, isLearned, lossWeight, networks, sampledAt } from './networks.ts'

type Figures = Record<string, { norm: number; at: number[] }>

let kernels: KernelSet
let here: Record<string, Figures> | null
beforeAll(async () => {
  kernels = await createKernels('wasm')
  here = python ? askTorch(python) : null
})

const stored = JSON.parse(readFileSync(new URL('./gradients.json', import.meta.url), 'utf8')) as Record<string, Figures>

const hasTorch = (python: string): boolean =>
  spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0
const python = ['/usr/bin/python3', 'python3'].find(hasTorch)
if (!python)
  console.log('PyTorch is not asked for gradients: no python3 here has torch. Its stored figures are compared.')

function gradients(model: Model): Map<string, Float32Array> {
  const { nodes, outputs } = model.graph
  expect(training.refusal(nodes)).toBe(null)
  const arrays = arraysFor(model)
  const learned = new Set([...arrays.keys()].filter(isLearned))
  const run = training.network(nodes, learned, new Map(), kernels).forward(arrays, () => 1)
  const dy = Float32Array.from({ length: run.value(outputs[0]).data.length }, (_, i) => lossWeight(i))
  return run.backward(new Map([[outputs[0], dy]]))
}

const plain = ({ shape, data }: NdArray) => ({ shape, data: Array.from(data as ArrayLike<number | bigint>, Number) })

function asJson(model: Model) {
  const attr = (kind: string, value: unknown): unknown =>
    kind === 'string' ? new TextDecoder().decode(value as Uint8Array) : value
  return {
    nodes: model.graph.nodes.map(({ op, inputs, outputs, attrs }) => ({
      op,
      inputs,
      outputs,
      attrs: Object.fromEntries([...attrs].map(([key, a]) => [key, 'value' in a ? attr(a.kind, a.value) : null])),
    })),
    output: model.graph.outputs[0],
    arrays: Object.fromEntries([...arraysFor(model)].map(([name, array]) => [name, plain(array)])),
    learned: [...arraysFor(model).keys()].filter(isLearned),
  }
}

const write = (folder: string, name: string, model: Model): void =>
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(asJson(model)))

function askTorch(python: string): Record<string, Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-gradients-'))
  try {
    for (const [name, make] of Object.entries(networks)) write(folder, name, make())
    const script = fileURLToPath(new URL('./gradients.py', import.meta.url))
    return JSON.parse(execFileSync(python, [script, folder], { encoding: 'utf8' }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function expectSame(ours: ReadonlyMap<string, Float32Array>, theirs: Figures): void {
  expect([...ours.keys()].sort()).toEqual(Object.keys(theirs).sort())
  for (const [value, { norm, at }] of Object.entries(theirs)) {
    const gradient = ours.get(value)!
    const size = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0))
    // A bias before a BatchNormalization of the batch has no gradient but for rounding.
    const scale = Math.max(norm, 1e-3)
    expect(Math.abs(size - norm) / scale, value).toBeLessThan(1e-4)
    for (const [k, i] of sampledAt(gradient.length).entries())
      expect(Math.abs(gradient[i] - at[k]) / scale, `${value}[${i}]`).toBeLessThan(1e-4)
  }
}

describe.each(Object.entries(networks))('%s', (name, make) => {
  const folder = process.env.THIMBLE_NETWORKS
  if (folder) {
    test('is written for PyTorch', () => {
      mkdirSync(folder, { recursive: true })
      write(folder, name, make())
    })
    return
  }

  test("every weight's gradient is what PyTorch's was, within 1e-4 of its size", () => {
    expectSame(gradients(make()), stored[name])
  })

  test.skipIf(!python)("every weight's gradient is that of the PyTorch here, within 1e-4 of its size", () => {
    expectSame(gradients(make()), here![name])
  })
})
