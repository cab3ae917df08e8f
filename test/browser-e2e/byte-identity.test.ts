// The same inputs give the same bundle, byte for byte: in the browser and on the command line, on one core and on several.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import type { Unzipped } from 'fflate'
import { afterAll, expect, test } from 'vitest'
import { siteFolder } from '../../scripts/serve.mjs'
import { chooseDevice, different, go, result, run, saveBundle } from './person.ts'
import { openStudio } from './studio.ts'

const cli = join(siteFolder, '../cli/thimble.mjs')
const digits = (name: string): string => join(siteFolder, 'samples/digits', name)
const folder = mkdtempSync(join(tmpdir(), 'thimble-bytes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As a person would with files of their own, so that nothing but the files is shared with the command line. */
async function inBrowser(): Promise<Unzipped> {
  const studio = await openStudio()
  try {
    const { page } = studio
    await page.getByTestId('pick-model').locator('input').setInputFiles(digits('model.onnx'))
    await go(page, 'data')
    await page.getByTestId('pick-calibration').locator('input').setInputFiles(digits('calibration.npz'))
    await page.getByTestId('data-calibration').getByText('calibration.npz').waitFor()
    await page.getByTestId('pick-evaluation').locator('input').setInputFiles(digits('evaluation.npz'))
    await page.getByTestId('data-evaluation').getByText('evaluation.npz').waitFor()
    await chooseDevice(page, 'wasm')
    await run(page)
    await result(page)
    return await saveBundle(page)
  } finally {
    await studio.close()
  }
}

function onCommandLine(...options: string[]): Unzipped {
  const out = mkdtempSync(join(folder, 'cli-'))
  const data = ['--data', digits('calibration.npz'), '--eval', digits('evaluation.npz')]
  execFileSync(
    process.execPath,
    [cli, 'compress', digits('model.onnx'), ...data, '--device', 'wasm', '--out', out, '--force', ...options],
    { stdio: 'pipe' },
  )
  const bundle = join(out, 'onnxruntime')
  const files = readdirSync(bundle, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(
    files.map(entry => {
      const path = join(entry.parentPath, entry.name)
      return [relative(bundle, path).split(sep).join('/'), new Uint8Array(readFileSync(path))]
    }),
  )
}

test('the browser, the command line and the command line on one core make the same bundle', async () => {
  const browser = await inBrowser()
  const command = onCommandLine()
  expect(Object.keys(command)).toEqual(expect.arrayContaining(['model.onnx', 'report.json', 'golden/outputs.npz']))
  expect(different(browser, command)).toEqual([])
  expect(different(onCommandLine('--threads', '1'), command)).toEqual([])
})
