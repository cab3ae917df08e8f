// The main job as a person does it, in the built site: a sample, a run, a result, and a bundle that the command line verifies.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { chooseDevice, openSample, result, run, saveBundle, saveReport } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const cli = join(import.meta.dirname, '../../dist/cli/thimble.mjs')

let studio: Studio | null = null
afterEach(async () => {
  await studio?.close()
  studio = null
})

test('with the network cut: sample, run, result, export, and the bundle runs', async () => {
  studio = await openStudio()
  const { page, offlineReady, cutNetwork, foreign, errors } = studio
  await page.getByTestId('sample-digits').waitFor()
  await offlineReady()
  await cutNetwork()
  await page.reload()
  await openSample(page, 'digits')
  await result(page)
  const files = await saveBundle(page)
  const folder = mkdtempSync(join(tmpdir(), 'thimble-bundle-'))
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  const verified = JSON.parse(execFileSync(process.execPath, [cli, 'verify', folder, '--json'], { encoding: 'utf8' }))
  rmSync(folder, { recursive: true })
  expect(verified).toMatchObject({ ok: true })
  expect(foreign).toEqual([])
  expect(errors).toEqual([])
})

test('WebGPU, where it is asked for, passes its self-test, calibrates, and comes to as good a model', async () => {
  studio = await openStudio()
  const { page } = studio
  await openSample(page, 'digits')
  await result(page)
  const wasm = await saveReport(page)
  await chooseDevice(page, 'webgpu')
  await run(page)
  await result(page)
  const webgpu = await saveReport(page)
  expect([wasm.device, webgpu.device]).toEqual(['wasm', 'webgpu+wasm'])
  expect(webgpu.after!.bytes).toBe(wasm.after!.bytes)
  expect(Math.abs(webgpu.agreement!.sqnrDb - wasm.agreement!.sqnrDb)).toBeLessThan(0.5)
})
