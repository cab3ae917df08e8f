// The ONNX backend's own node test suite: every model imports, exports to an equal one, and runs to the same outputs.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { dtypeOfOnnx, viewAs } from '../../src/base/dtype.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { readTensorProto } from '../../src/formats/onnx-read.ts'
import { bytesField, fieldsOf } from '../../src/formats/protobuf.ts'
import { onnx } from '../../src/importers/onnx.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { createTestContext } from '../runner.ts'

const folder = process.env.THIMBLE_ONNX_SUITE ?? '.cache/onnx-node-suite'
const index = join(folder, 'index.json')
if (!existsSync(index))
  console.log(
    `The ONNX node suite is not at ${folder}. To make it: pip install onnx==1.23.2 && python scripts/onnx-node-suite.py ${folder}`,
  )

interface Case {
  name: string
  accepted: boolean
  feeds: { name: string; file: string | null }[]
}
interface Feed {
  name: string
  type: string
  dims: readonly number[]
  data: unknown
}
interface Output {
  name: string
  type: string
  dims: number[]
  data: ArrayLike<unknown>
}
type Ran = { error: string } | { error?: undefined; inputs: string[]; names: string[]; outputs: Output[] }

/** A thread with the runtime; replaced when the engine aborts, so that one case cannot spoil the next. */
function createEngine() {
  let worker: Worker | null = null
  const stop = async (): Promise<void> => {
    await worker?.terminate()
    worker = null
  }
  const once = (bytes: Uint8Array, feeds: Feed[] | null): Promise<Ran> =>
    new Promise(resolve => {
      const thread = (worker ??= new Worker(new URL('ort-worker.mjs', import.meta.url)))
      const done = (ran: Ran): void => {
        clearTimeout(timer)
        thread.off('message', done)
        thread.off('error', failed)
        thread.off('exit', left)
        resolve(ran)
      }
      const failed = (error: Error): void => done({ error: `aborted: ${error.message}` })
      const left = (code: number): void => done({ error: `aborted: exit ${code}` })
      const timer = setTimeout(() => done({ error: 'aborted: no answer in 30 s' }), 30_000)
      thread.on('message', done)
      thread.on('error', failed)
      thread.on('exit', left)
      thread.postMessage({ bytes, feeds })
    })
  const run = async (bytes: Uint8Array, feeds: Feed[] | null): Promise<Ran> => {
    const ran = await once(bytes, feeds)
    if (ran.error && /abort|out of bounds|unreachable|RuntimeError|^\d+$/i.test(ran.error)) await stop()
    return ran
  }
  return { run, stop }
}

function feedOf(name: string, file: string): Feed | null {
  const tensor = readTensorProto(readFileSync(join(folder, file)))
  const dtype = dtypeOfOnnx(tensor.dataType)
  const data = tensor.data ?? new Uint8Array()
  if (!dtype || !(data instanceof Uint8Array)) return null
  const dims = tensor.dims
  if (dtype === 'string')
    return { name, type: dtype, dims, data: [...fieldsOf(data)].map(f => new TextDecoder().decode(bytesField(f))) }
  return { name, type: dtype, dims, data: viewAs(dtype, data) }
}

/** Equal to the bit, but that every NaN equals every other; or the first difference in words. */
function difference(a: Ran, b: Ran, tolerance = 0): string | null {
  if (a.error !== undefined || b.error !== undefined) return b.error ?? 'no error'
  if (JSON.stringify([a.inputs, a.names]) !== JSON.stringify([b.inputs, b.names]))
    return `names ${b.inputs} -> ${b.names}`
  for (const [i, x] of a.outputs.entries()) {
    const y = b.outputs[i]
    if (x.name !== y.name || x.type !== y.type || String(x.dims) !== String(y.dims))
      return `${y.name} ${y.type}[${y.dims}] instead of ${x.type}[${x.dims}]`
    let largest = 0
    for (let k = 0; k < x.data.length; k++) largest = Math.max(largest, Math.abs(Number(x.data[k])) || 0)
    for (let k = 0; k < x.data.length; k++) {
      if (Object.is(x.data[k], y.data[k])) continue
      if (tolerance > 0 && Math.abs(Number(x.data[k]) - Number(y.data[k])) <= tolerance * largest) continue
      return `${x.name}[${k}] is ${y.data[k]} instead of ${x.data[k]}`
    }
  }
  return null
}

/** Why the runtime does not run an original, by its words. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/Unsupported model IR version/, 'IR version newer than the runtime'],
  [/ValidateOpsetForDomain/, 'opset newer than the runtime'],
  [/not implemented|Could not find an implementation|not a registered function/i, 'operator or type not implemented'],
  [/Unrecognized attribute/, 'attribute newer than the runtime'],
  [/unsupported (data )?type/, 'element type that its JavaScript interface lacks'],
  [/output tensor data|is no tensor/, 'input or output is no tensor'],
]

type Optimize = (model: Model, ctx: Omit<Context, 'kernels'>) => Promise<{ model: Model }>
async function passes(): Promise<Optimize | null> {
  const path = '../../src/stages/passes/index.ts'
  if (!existsSync(new URL(path, import.meta.url))) return null
  const room = (await import(/* @vite-ignore */ path)) as { optimize?: Optimize }
  return room.optimize ?? null
}

test.skipIf(!existsSync(index))(
  'every case imports and exports, and runs to the same outputs as from the original file',
  async () => {
    const cases = (JSON.parse(readFileSync(index, 'utf8')) as Case[]).filter(
      c => !process.env.THIMBLE_ONNX_CASE || c.name.includes(process.env.THIMBLE_ONNX_CASE),
    )
    const ctx = await createTestContext()
    const optimize = await passes()
    const engine = createEngine()
    const count = {
      cases: cases.length,
      refused: 0,
      unequal: 0,
      loaded: 0,
      ran: 0,
      random: 0,
      same: 0,
      optimized: 0,
      close: 0,
    }
    const faults: string[] = []
    const notRun = new Map<string, number>()
    const tally = (error: string): void => {
      const why = reasons.find(([words]) => words.test(error))?.[1] ?? error.slice(0, 200)
      notRun.set(why, (notRun.get(why) ?? 0) + 1)
    }
    for (const { name, feeds: wanted } of cases) {
      const original = new Uint8Array(readFileSync(join(folder, `${name}.onnx`)))
      let model: Model
      let ours: Uint8Array
      try {
        model = await read(name, original)
        ours = await encodeModel(model, createBytes())
      } catch (error) {
        count.refused++
        faults.push(`${name}: refused: ${(error as Error).message}`)
        continue
      }
      try {
        expect(await read(name, ours)).toEqual(model)
      } catch (error) {
        count.unequal++
        faults.push(`${name}: not equal after import, export, import: ${(error as Error).message.slice(0, 300)}`)
      }
      const refusal = await engine.run(original, null)
      if (refusal.error !== undefined) {
        tally(refusal.error)
        continue
      }
      count.loaded++
      const unlike = difference(refusal, await engine.run(ours, null))
      if (unlike !== null) faults.push(`${name}: does not load alike: ${unlike}`)
      const feeds = wanted.map(f => (f.file ? feedOf(f.name, f.file) : null))
      const first = feeds.includes(null) ? { error: 'input is no tensor' } : await engine.run(original, feeds as Feed[])
      if (first.error !== undefined) {
        tally(first.error)
        continue
      }
      count.ran++
      if (difference(first, await engine.run(original, feeds as Feed[])) !== null) {
        count.random++
        continue
      }
      const differs = difference(first, await engine.run(ours, feeds as Feed[]))
      if (differs === null) count.same++
      else faults.push(`${name}: ${differs}`)
      if (!optimize) continue
      try {
        const { model: optimized } = await optimize(model, ctx)
        const after = await engine.run(await encodeModel(optimized, ctx.bytes), feeds as Feed[])
        if (difference(first, after) === null) count.optimized++
        else {
          const far = difference(first, after, 1e-5)
          if (far === null) count.close++
          else faults.push(`${name}: after optimisation: ${far}`)
        }
      } catch (error) {
        faults.push(`${name}: optimisation failed: ${(error as Error).message}`)
      }
    }
    await engine.stop()
    console.log(`ONNX node suite: ${JSON.stringify(count)}${optimize ? '' : ' (no optimisation yet)'}`)
    console.log(`not run by onnxruntime-web from the original: ${JSON.stringify(Object.fromEntries(notRun), null, 1)}`)
    expect(faults).toEqual([])
  },
  1_200_000,
)

async function read(name: string, bytes: Uint8Array): Promise<Model> {
  const path = `${name}.onnx`
  return (await onnx.read(new Map([[path, memorySource(path, bytes)]]))).model
}
