// Every model of the ONNX backend's own node test suite: with the outputs' declared types taken away, what is inferred never
// contradicts them. The suite declares the true shapes. Made by scripts/onnx-node-suite.py; skipped where it is not there.
import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { dtypeOfOnnx } from '../../src/base/dtype.ts'
import { readTensorProto } from '../../src/formats/onnx-read.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Model, Value } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'

const folder = pathToFileURL(`${process.env.THIMBLE_ONNX_SUITE ?? '.cache/onnx-node-suite'}/`)
const index = new URL('index.json', folder)
interface Feed {
  name: string
  file: string | null
}
const cases: { name: string; feeds: Feed[] }[] = existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')) : []
if (cases.length === 0)
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

/** Inputs that the case feeds become initializers, so that their contents are followed. */
function withConstantInputs(model: Model, feeds: Feed[]): Model {
  const values = new Map(model.graph.values)
  for (const { name, file } of feeds) {
    const value = values.get(name)
    if (file === null || !value || value.type || value.data) continue
    const { dataType, dims, data } = readTensorProto(new Uint8Array(readFileSync(new URL(file, folder))))
    const dtype = dtypeOfOnnx(dataType)
    if (dtype && data instanceof Uint8Array)
      values.set(name, { ...value, shape: dims, data: { dtype, shape: dims, data } })
  }
  return { ...model, graph: { ...model.graph, values } }
}

test.skipIf(cases.length === 0).each(['unknown', 'known'])(
  'with the contents of inputs %s, inference contradicts no output of the suite, and finds most of them whole',
  async contents => {
    const wrong: string[] = []
    let all = 0
    let whole = 0
    for (const { name, feeds } of cases) {
      const source = memorySource(name, new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder))))
      const { model } = await importModel(new Map([[`${name}.onnx`, source]]))
      const { bare, declared } = withoutOutputTypes(model)
      const { graph } = infer(contents === 'known' ? withConstantInputs(bare, feeds) : bare)
      for (const truth of declared) {
        const found = graph.values.get(truth.name)
        const shape = found?.shape ?? null
        all++
        if (found?.dtype && shape?.every(d => typeof d === 'number')) whole++
        if (!fits(found ?? null, truth))
          wrong.push(`${name} ${truth.name}: ${found?.dtype} [${shape}] against ${truth.dtype} [${truth.shape}]`)
      }
    }
    console.log(`${cases.length} models, contents ${contents}: ${whole} of ${all} outputs inferred whole`)
    expect(wrong).toEqual([])
    expect(whole / all).toBeGreaterThan(contents === 'known' ? 0.9 : 0.75)
  },
)

/** Equal to the truth, or more general. */
function fits(found: Value | null, { dtype, shape }: Value): boolean {
  if (found?.dtype && found.dtype !== dtype) return false
  if (!found?.shape || !shape) return true
  if (found.shape.length !== shape.length) return false
  return found.shape.every((d, i) => typeof d !== 'number' || typeof shape[i] !== 'number' || d === shape[i])
}
