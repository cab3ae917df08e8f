// A board's dump back in the studio: the first layer that strays is named, marked in the graph, and nothing else is blamed; and the
// report that a person hands on stands by itself.
import { readFileSync } from 'node:fs'
import type { Unzipped } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { writeNpz } from '../../src/formats/npz.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { arraysOf } from '../../src/jobs/verify.ts'
import { file } from './own-files.ts'
import { go, openSample, result, saveBundle } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
let page: Page
let bundle: Unzipped
let layers: Map<string, NdArray>
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
  await openSample(page, 'digits')
  await result(page)
  bundle = await saveBundle(page)
  const path = 'golden/layers.npz'
  layers = await arraysOf(new Map([[path, memorySource(path, bundle[path]!)]]), path)
})
afterAll(() => studio.close())

const verdict = () => page.getByTestId('dump-verdict')
const pick = async (name: string, bytes: Uint8Array): Promise<void> => {
  if (!(await page.getByTestId('pick-dump').isVisible())) await page.getByTestId('dump').locator('summary').click()
  await page
    .getByTestId('pick-dump')
    .locator('input')
    .setInputFiles([file(name, bytes)])
}

/** All layers from the k-th on with noise as strong as the signal. */
const strayedFrom = (k: number): Map<string, NdArray> =>
  new Map(
    [...layers].map(([name, array], place) => [
      name,
      place < k ? array : { ...array, data: Float32Array.from(array.data as Float32Array, (x, i) => x + (i % 3) - 1) },
    ]),
  )

test('a board that gives the golden layers agrees', async () => {
  await go(page, 'export')
  await pick('board.npz', writeNpz(Object.fromEntries(layers)))
  await verdict()
    .filter({ hasText: `agrees in all ${layers.size}` })
    .waitFor()
})

test('the first layer that strays is named, and leads to its node, which is marked in the graph', async () => {
  const [name] = [...layers.keys()].slice(3)
  await pick('strayed.npz', writeNpz(Object.fromEntries([...strayedFrom(3)].reverse())))
  await verdict().filter({ hasText: name! }).waitFor()
  expect(await verdict().textContent()).toContain('strayed.npz')
  await verdict().getByRole('button').click()
  await page.getByTestId('diverges').waitFor()
})

test('lines of text dropped anywhere are a dump too; names that nobody knows are listed', async () => {
  const [[name, { data }]] = strayedFrom(0)
  const text = `${Array.from(data as Float32Array, (x, k) => `${name} ${k} ${x}`).join('\n')}\nnobody 0 1\n`
  await page.evaluate(content => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File([content], 'serial.log'))
    const drop = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true })
    document.querySelector('main')!.dispatchEvent(drop)
  }, text)
  await verdict().filter({ hasText: name! }).waitFor()
  expect(await page.getByTestId('dump').textContent()).toContain('nobody')
})

test('a dump that cannot be read is refused with its line, and what was there stays', async () => {
  await pick('broken.txt', new TextEncoder().encode('conv 0 1\nconv one two\n'))
  await page.getByTestId('error-panel').waitFor()
  expect(await page.getByTestId('error-panel').textContent()).toContain('Line 2 of broken.txt')
  await page.getByRole('button', { name: 'Dismiss' }).click()
  expect(await verdict().textContent()).toContain('serial.log')
})

test('the report page has the figures of the page, and opens without asking for anything', async () => {
  await go(page, 'result')
  const top1 = await page.getByTestId('report-top1-after').textContent()
  await go(page, 'export')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save-report-page').click()])
  const text = readFileSync(await download.path(), 'utf8')
  const reader = await studio.newPage()
  const asked: string[] = []
  reader.on('request', request => asked.push(request.url()))
  await reader.setContent(text)
  expect(await reader.locator('h1').textContent()).toBe('Handwritten digits: int8/uint8')
  expect(await reader.locator('table').first().textContent()).toContain(top1!.trim())
  expect(await reader.locator('td code').count()).toBe(Object.keys(bundle).length)
  expect(asked).toEqual([])
  await reader.close()
})

test('nothing of this was an error, and nothing left', () => {
  expect(studio.errors).toEqual([])
  expect(studio.foreign).toEqual([])
})
