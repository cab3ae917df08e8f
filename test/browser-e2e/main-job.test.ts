// The main job as a person does it, in the built site and with the network cut: a sample, one click, a result, a bundle; and what is
// in the bundle runs in ONNX Runtime as it says, is as accurate as the page says, and the command line verifies it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Unzipped } from 'fflate'
import * as ort from 'onnxruntime-web'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { bytesOf } from '../../src/base/dtype.ts'
import type { Report } from '../../src/jobs/report.ts'
import { arraysOf } from '../../src/jobs/verify.ts'
import { go, json, openSample, result, saveBundle } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const cli = join(import.meta.dirname, '../../dist/cli/thimble.mjs')

let studio: Studio
let bundle: Unzipped
let report: Report
beforeAll(async () => {
  studio = await openStudio()
  const { page, offlineReady, cutNetwork } = studio
  await page.getByTestId('sample-digits').waitFor()
  await offlineReady()
  await cutNetwork()
  await page.reload()
  await openSample(page, 'digits')
  await result(page)
  bundle = await saveBundle(page)
  report = json(bundle, 'report.json')
})
afterAll(() => studio.close())

const arrays = (path: string) => arraysOf(new Map([[path, memorySource(path, bundle[path]!)]]), path)

test('the model of the bundle gives its golden outputs in ONNX Runtime, to the bit', async () => {
  ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create(bundle['model.onnx']!)
  const feeds: Record<string, ort.Tensor> = {}
  for (const [name, { dtype, shape, data }] of await arrays('golden/inputs.npz'))
    feeds[name] = new ort.Tensor(dtype as ort.Tensor.Type, data as never, shape)
  const results = await session.run(feeds)
  const golden = await arrays('golden/outputs.npz')
  expect([...golden.keys()]).toEqual([...session.outputNames])
  for (const [name, { shape, data }] of golden) {
    const got = results[name]!
    expect(got.dims).toEqual(shape)
    expect(Buffer.from(bytesOf(got.data as Float32Array))).toEqual(Buffer.from(bytesOf(data)))
  }
})

test('the accuracy that the page shows is the one in the bundle, on a thousand samples', async () => {
  const { page } = studio
  await go(page, 'result')
  const shown = async (id: string): Promise<string> =>
    ((await page.getByTestId(id).textContent()) ?? '').replace('%', '').trim()
  const { before, after } = report
  expect(after!.accuracy).toMatchObject({ samples: 1000 })
  expect(await shown('report-top1-before')).toBe(before.accuracy!.top1!.toFixed(2))
  expect(await shown('report-top1-after')).toBe(after!.accuracy!.top1!.toFixed(2))
  expect(after!.accuracy!.top1).toBeGreaterThan(97)
})

test('the command line verifies the bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-bundle-'))
  try {
    for (const [path, bytes] of Object.entries(bundle)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), bytes)
    }
    const verified = execFileSync(process.execPath, [cli, 'verify', folder, '--json'], { encoding: 'utf8' })
    expect(JSON.parse(verified)).toMatchObject({ ok: true })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('nothing was sent by page, threads or service worker, and the page says so', async () => {
  expect(await studio.page.getByTestId('sent').textContent()).toBe('0 B sent')
  expect(studio.foreign).toEqual([])
  expect(studio.errors).toEqual([])
})
