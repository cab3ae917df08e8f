// Every model of the ONNX backend's own node test suite: with the outputs' declared types taken away, what is inferred never
// contradicts them. The suite declares the true shapes. Made by scripts/onnx-node-suite.py; skipped where it is not there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Model, Value } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'

const folder = pathToFileURL(`${process.env.THIMBLE_ONNX_SUITE ?? '.cache/onnx-node-suite'}/`)
const files = existsSync(folder) ? readdirSync(folder).filter(f => f.endsWith('.onnx')) : []
if (files.length === 0)
  console.log(
    '.cache/onnx-node-suite is not here (scripts/onnx-node-suite.py makes it); inference over the suite is skipped.',
  )

function withoutOutputTypes(model: Model): { bare: Model; declared: Value[] } {
  const values = new Map(model.graph.values)
  const declared: Value[] = []
  for (const name of model.graph.outputs) {
    const value = values.get(name)
    if (!value || value.data || value.type || model.graph.inputs.includes(name)) continue
    declared.push(value)
    values.delete(name)
  }
  return { bare: { ...model, graph: { ...model.graph, values } }, declared }
}

test.skipIf(files.length === 0)(
  'inference contradicts no output of the suite, and finds most of them whole',
  async () => {
    const wrong: string[] = []
    let all = 0
    let whole = 0
    for (const file of files) {
      const source = memorySource(file, new Uint8Array(readFileSync(new URL(file, folder))))
      const { model } = await importModel(new Map([[file, source]]))
      const { bare, declared } = withoutOutputTypes(model)
      const { graph } = infer(bare)
      for (const truth of declared) {
        const found = graph.values.get(truth.name)
        all++
        const shape = found?.shape ?? null
        const fits =
          (!found?.dtype || found.dtype === truth.dtype) &&
          (!shape ||
            !truth.shape ||
            (shape.length === truth.shape.length &&
              shape.every(
                (d, i) => typeof d !== 'number' || typeof truth.shape?.[i] !== 'number' || d === truth.shape[i],
              )))
        if (!fits)
          wrong.push(`${file} ${truth.name}: ${found?.dtype} [${shape}] against ${truth.dtype} [${truth.shape}]`)
        if (found?.dtype && shape?.every(d => typeof d === 'number')) whole++
      }
    }
    console.log(`${files.length} models of the suite: ${whole} of ${all} outputs inferred whole`)
    expect(wrong).toEqual([])
    expect(whole / all).toBeGreaterThan(0.75)
  },
)
