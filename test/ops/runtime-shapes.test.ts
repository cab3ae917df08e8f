// Real models at a fixed input shape: every value that was inferred has the type and shape that the runtime gives it.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ByteSource, memorySource } from '../../src/base/bytes.ts'
import { importModel } from '../../src/importers/index.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'
import { floats } from '../../src/ir/tensor.ts'
import { freeze } from '../../src/ops/freeze.ts'
import { declaredDims } from '../../src/ops/infer.ts'
import { createTestContext } from '../runner.ts'

const folder = new URL('../../../shared/data/onnx/', import.meta.url)
const models = existsSync(folder) ? readdirSync(folder).filter(f => f.endsWith('.onnx')) : []
if (models.length === 0)
  console.log('The models of ../shared/data/onnx are not here; inferred shapes are not run against.')

/** The open dimensions of each input, in order of its axes. */
const open: Record<string, number[]> = { 'ppocrv4_rec.onnx': [2, 48, 320] }

function shapesOf(model: Model, fill: readonly number[]): Record<string, number[]> {
  const shapes: Record<string, number[]> = {}
  for (const name of requiredInputs(model.graph)) {
    let next = 0
    const dims = declaredDims(model.graph.values.get(name)?.shape ?? null) ?? []
    shapes[name] = dims.map(d => (typeof d === 'number' ? d : (fill[next++] ?? 1)))
  }
  return shapes
}

test.skipIf(models.length === 0).each(models.length > 0 ? models : ['../shared/data/onnx'])(
  'every value of %s',
  async file => {
    const files = new Map<string, ByteSource>()
    for (const name of [file, `${file}.data`]) {
      const path = new URL(name, folder)
      if (existsSync(path)) files.set(name, memorySource(name, new Uint8Array(readFileSync(path))))
    }
    const { model, sources } = await importModel(files)
    const shapes = shapesOf(model, open[file] ?? [2])
    const { graph } = freeze(model, shapes)
    const names = graph.nodes
      .filter(node => node.op !== 'Constant')
      .flatMap(node => node.outputs.filter(name => name !== null))
    const { runner } = await createTestContext(sources)
    const session = await runner.open(model, { outputs: names, optimize: 'none' })
    const feeds = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [
        name,
        floats(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5)),
      ]),
    )
    const outputs = await session.run(feeds)
    await session.close()
    for (const name of names) {
      const value = graph.values.get(name)
      expect([name, value?.dtype, value?.shape]).toEqual([name, outputs[name].dtype, [...outputs[name].shape]])
    }
  },
)
