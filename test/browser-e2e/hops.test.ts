// From one framework to another by what a person does with the page: a model of one format is dropped, a runtime of another chosen, and the
// bundle that is saved gives there what its golden outputs say.
import { readdirSync } from 'node:fs'
import type { Unzipped } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type NdArray, transposed } from '../../src/ir/tensor.ts'
import { hasShared, sharedFile } from '../exporters/written.ts'
import { arraysOf, native } from '../importers/native.ts'
import { decibels } from '../targets/decibels.ts'
import { installed, runTflite } from '../targets/runtimes.ts'
import { file } from './own-files.ts'
import { go, json, result, run, saveBundle } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const openvino = native('openvino', '../targets/run-openvino.py')
const litert = installed('tflite')

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
})
beforeEach(async () => {
  page = await studio.newPage()
  await page.goto(studio.url)
  return () => page.close()
})
afterAll(() => studio.close())

const pictures = () =>
  readdirSync(new URL('../../../shared/data/imagenet/calib64', import.meta.url))
    .filter(name => name.endsWith('.jpg'))
    .sort()
    .slice(0, 8)
    .map(name => file(name, sharedFile(`imagenet/calib64/${name}`)))

/** Drops a model and pictures, names the target in the recipe, runs, and saves. */
async function hop(paths: string[], target: string): Promise<Unzipped> {
  const given = paths.map(path => file(path.split('/').at(-1)!, sharedFile(path)))
  await page.getByTestId('pick-model').locator('input').setInputFiles(given)
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await go(page, 'data')
  await page.getByTestId('pick-calibration').locator('input').setInputFiles(pictures())
  await page.getByTestId('data-calibration').getByText('8 samples', { exact: true }).waitFor()
  await go(page, 'recipe')
  await page
    .locator('label.field', { hasText: /^Target/ })
    .locator('select')
    .selectOption(target)
  await run(page)
  await result(page)
  return saveBundle(page, target)
}

interface Named {
  name: string
  targetName: string
}

/** Golden inputs and outputs, by the names that the bundle's own file has for them. */
async function golden(files: Unzipped): Promise<{ feeds: Record<string, NdArray>; wanted: Record<string, NdArray> }> {
  const { inputs, outputs } = json<{ inputs: Named[]; outputs: Named[] }>(files, 'manifest.json')
  const renamed = async (path: string, names: Named[]) => {
    const arrays = await arraysOf(files[path])
    return Object.fromEntries(names.map(({ name, targetName }) => [targetName, arrays[name]]))
  }
  return { feeds: await renamed('golden/inputs.npz', inputs), wanted: await renamed('golden/outputs.npz', outputs) }
}

const levels = (wanted: Record<string, NdArray>, got: Record<string, NdArray>): number[] =>
  Object.entries(wanted).map(([name, { data }]) => decibels(data as Float32Array, got[name].data as Float32Array))

describe.skipIf(!hasShared)('RFB-320', () => {
  test.skipIf(openvino === null)('from Caffe to OpenVINO', async () => {
    const files = await hop(['formats/ultraface_rfb320.prototxt', 'formats/ultraface_rfb320.caffemodel'], 'openvino')
    const { feeds, wanted } = await golden(files)
    const [got] = await openvino!.run([{ files, feeds }])
    expect(Math.min(...levels(wanted, got!))).toBeGreaterThan(25)
  })

  test.skipIf(litert === null)('from MNN to TFLite', async () => {
    const files = await hop(['formats/ultraface_rfb320.mnn'], 'tflite')
    const { feeds, wanted } = await golden(files)
    const laid = Object.fromEntries(Object.entries(feeds).map(([name, x]) => [name, transposed(x, [0, 2, 3, 1])]))
    const [got] = await runTflite(litert!, [{ model: files['model.tflite'], feeds: laid }])
    expect(Math.min(...levels(wanted, got))).toBeGreaterThan(25)
  })
})
