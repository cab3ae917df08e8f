// Handing on what one has done: the command that the page gives makes the same bytes, and a link carries a recipe to another model.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative, sep } from 'node:path'
import type { Unzipped } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { siteFolder } from '../../scripts/serve.mjs'
import { classifier, picture } from './own-files.ts'
import { chooseDevice, different, error, go, result, run, saveBundle } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const cli = join(siteFolder, '../cli/thimble.mjs')
const folder = mkdtempSync(join(tmpdir(), 'thimble-share-'))

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
afterAll(async () => {
  await studio.close()
  rmSync(folder, { recursive: true, force: true })
})

const model = (): Promise<void> => page.getByRole('heading', { name: 'Model', exact: true }).waitFor()

/** The command that the page gives, run in a folder where `thimble` is the built command line. */
async function runCommand(name: string): Promise<Unzipped> {
  await go(page, 'recipe')
  await page.getByTestId('share').click()
  const command = await page.getByTestId('share-command').inputValue()
  await page.locator('dialog.share button').last().click()
  const program = join(folder, 'thimble')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`)
  chmodSync(program, 0o755)
  execFileSync('sh', ['-c', command], {
    cwd: folder,
    env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
    stdio: 'pipe',
  })
  const bundle = join(folder, name, 'onnxruntime')
  const files = readdirSync(bundle, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(
    files.map(entry => {
      const path = join(entry.parentPath, entry.name)
      return [relative(bundle, path).split(sep).join('/'), new Uint8Array(readFileSync(path))]
    }),
  )
}

/** Waits until the recipe’s range is this one, in the worker as well. */
const chosen = (on: Page, range: string): Promise<unknown> =>
  on.waitForFunction(
    value =>
      [...document.querySelectorAll<HTMLSelectElement>('[data-testid=step-quantize] select')].some(
        select => select.value === value,
      ),
    range,
  )

test('the command of a sample makes the bundle of the page, byte for byte', async () => {
  for (const name of ['model.onnx', 'calibration.npz', 'evaluation.npz'])
    copyFileSync(join(siteFolder, 'samples/digits', name), join(folder, name))
  await page.getByTestId('sample-digits').click()
  await page.getByTestId('stop-run').waitFor()
  await page.getByTestId('stop-run').click()
  await chooseDevice(page, 'wasm')
  await run(page)
  await result(page)
  const bundle = await saveBundle(page)
  expect(different(await runCommand('Handwritten digits'), bundle)).toEqual([])
})

test('so does the command for a model and a folder of pictures of one’s own, after a change of recipe', async () => {
  const files = await classifier("it's mine.onnx", { apart: true })
  for (const { name, buffer } of files) writeFileSync(join(folder, name), buffer)
  mkdirSync(join(folder, 'my photos'))
  const pictures = Array.from({ length: 12 }, (_, k) => join(folder, 'my photos', `${k}.png`))
  for (const [k, path] of pictures.entries()) writeFileSync(path, picture(k))
  await page.getByTestId('pick-model').locator('input').setInputFiles(files)
  await model()
  await go(page, 'data')
  await page.getByTestId('pick-calibration-folder').locator('input').setInputFiles(join(folder, 'my photos'))
  await page.getByTestId('data-calibration').getByText('12 samples').waitFor()
  await page.getByLabel('Scale', { exact: true }).fill('0.01')
  await page.getByLabel('Scale', { exact: true }).press('Tab')
  await page.getByTestId('input-proposed').waitFor({ state: 'detached' })
  await go(page, 'recipe')
  const text = page.getByTestId('recipe-json')
  await text.fill((await text.inputValue()).replace('"do": "quantize"', '"do": "quantize", "range": "percentile"'))
  await chosen(page, 'percentile')
  await chooseDevice(page, 'wasm')
  await run(page)
  await result(page)
  const bundle = await saveBundle(page)
  expect(different(await runCommand("it's mine"), bundle)).toEqual([])
})

test('a link offers its recipe for what is open and for the next model, and what is open stays', async () => {
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await classifier('giver.onnx'))
  await model()
  await go(page, 'recipe')
  const text = page.getByTestId('recipe-json')
  await text.fill((await text.inputValue()).replace('"do": "quantize"', '"do": "quantize", "range": "kl"'))
  await chosen(page, 'kl')
  await page.getByTestId('share').click()
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('[data-testid=share-link]')?.value)
  const link = await page.getByTestId('share-link').inputValue()
  expect(link.startsWith(`${studio.url}#recipe=`)).toBe(true)
  await page.keyboard.press('Escape')

  const other = await studio.newPage()
  await other.goto(link)
  await other.getByTestId('shared-recipe').waitFor()
  expect(new URL(other.url()).hash).toBe('#/')
  await other.getByTestId('keep-shared').click()
  await other.getByTestId('shared-waits').waitFor()
  await other
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await classifier('taker.onnx'))
  await other.getByTestId('place-recipe').click()
  await expect.poll(() => other.getByTestId('recipe-json').inputValue()).toContain('"range": "kl"')
  await other.getByTestId('shared-waits').waitFor({ state: 'detached' })

  // Over an open project: it stays open, and takes the recipe at a click, which can be undone.
  await other.getByTestId('recipe-json').fill((await text.inputValue()).replace('"kl"', '"minmax"'))
  await chosen(other, 'minmax')
  const address = other.url()
  await other.evaluate(hash => {
    location.hash = hash
  }, new URL(link).hash)
  await other.getByTestId('use-shared').waitFor()
  expect(other.url()).toBe(address)
  await other.getByTestId('use-shared').click()
  await expect.poll(() => other.getByTestId('recipe-json').inputValue()).toContain('"range": "kl"')
  await other.close()
})

test('a link that was cut, or whose recipe is none, is refused with words on what to do', async () => {
  const refused = async (hash: string, code: string): Promise<string> => {
    await page.evaluate(value => {
      location.hash = value
    }, hash)
    await error(page).waitFor()
    const words = (await error(page).textContent()) ?? ''
    expect(await error(page).getAttribute('data-code')).toBe(code)
    await error(page).getByRole('button').last().click()
    return words
  }
  const encoded = await page.evaluate(async () => {
    const bad = JSON.stringify({ thimble: 1, seed: 0, steps: [{ do: 'quantise' }] })
    const stream = new Blob([bad]).stream().pipeThrough(new CompressionStream('deflate-raw'))
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
    return btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
  })
  expect(await refused('#recipe=AAAA', 'malformed')).toContain('Copy the link again')
  expect(await refused(`#recipe=${encoded}`, 'bad-recipe')).toContain('quantise')
  expect(await page.getByTestId('shared-recipe').count()).toBe(0)
})

test('nothing of all this left the machine', () => {
  expect(studio.foreign).toEqual([])
})
