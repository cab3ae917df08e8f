// WebGPU (in software, as tests have it): it is asked for by name, proves itself against WASM, calibrates, and comes to the same
// scales; when the device goes away in the middle, the run goes on in WASM and says so.
import type { Unzipped } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Report } from '../../src/jobs/report.ts'
import { chooseDevice, different, openSample, result, run, saveBundle, saveReport } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
let page: Page
let wasm: { report: Report; bundle: Unzipped }
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
  await openSample(page, 'digits')
  await result(page)
  wasm = { report: await saveReport(page), bundle: await saveBundle(page) }
})
afterAll(() => studio.close())

/** Every activation's scale, by the name of the value that is quantised. */
async function scalesOf(bundle: Unzipped): Promise<Map<string, number>> {
  const { model, sources } = await importModel(
    new Map([['model.onnx', memorySource('model.onnx', bundle['model.onnx']!)]]),
  )
  const bytes = createBytes(sources)
  const scales = new Map<string, number>()
  for (const { op, inputs } of model.graph.nodes) {
    if (op !== 'QuantizeLinear') continue
    const data = await bytes.read(model.graph.values.get(inputs[1]!)!.data!)
    scales.set(inputs[0]!, new DataView(data.buffer, data.byteOffset).getFloat32(0, true))
  }
  return scales
}

test('without being asked for, WebGPU in software is not used, and the report says why', () => {
  expect(wasm.report.device).toBe('wasm')
  expect(wasm.report.notes.join(' ')).toContain('in software')
})

test('asked for by name it calibrates, and comes to the scales and the accuracy of WASM', async () => {
  await chooseDevice(page, 'webgpu')
  await run(page)
  await result(page)
  const report = await saveReport(page)
  expect(report.device).toBe('webgpu+wasm')
  const [here, there] = [await scalesOf(await saveBundle(page)), await scalesOf(wasm.bundle)]
  expect([...here.keys()]).toEqual([...there.keys()])
  expect(here.size).toBeGreaterThan(5)
  // Floats of the two engines differ in the last bits, and so may the end of a range; a count would be off by far more.
  for (const [name, scale] of there) expect(Math.abs(here.get(name)! / scale - 1)).toBeLessThan(1e-4)
  expect(Math.abs(report.after!.accuracy!.value - wasm.report.after!.accuracy!.value)).toBeLessThanOrEqual(0.2)
  expect(await page.getByTestId('machine').textContent()).toContain('WebGPU')
})

test('a device that goes away in the middle: the run goes on in WASM, says so, and comes to its bytes', async () => {
  const chromium = await studio.context.browser()!.newBrowserCDPSession()
  await chooseDevice(page, 'webgpu')
  // A new project, since the stages of the one before are finished already.
  await page.locator('.mark').click()
  await openSample(page, 'digits')
  await page
    .getByTestId('status-line')
    .filter({ hasText: /Calibrate \d/ })
    .waitFor()
  await chromium.send('Browser.crashGpuProcess')
  await result(page)
  const report = await saveReport(page)
  expect(report.notes.join(' ')).toMatch(/GPU device went away.*WASM/)
  expect(report.device).toBe('wasm')
  expect(different(await saveBundle(page), wasm.bundle)).toEqual([])
})
