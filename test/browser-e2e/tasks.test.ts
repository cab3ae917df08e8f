// A person with a detector, then with a segmenter, then with vectors: what the outputs say is proposed and may be changed, the run is
// judged by it, and the answers of both models lie over the picture.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { zipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { baseName } from '../../src/base/paths.ts'
import { hasSharedData, sharedData } from '../data/shared.ts'
import { detector, labelledSquares, maskedSquares, segmenter, squares } from '../models/squares.ts'
import { file, type NamedFile, written } from './own-files.ts'
import { error, go, result, run } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const zipped = (name: string, files: Record<string, Uint8Array>): NamedFile =>
  file(`${name}.zip`, zipSync(files, { level: 0 }))

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
})
afterAll(() => studio.close())

const choose = (where: string, files: NamedFile[]): Promise<void> =>
  page.getByTestId(where).locator('input').setInputFiles(files)

async function open(model: NamedFile[], calibration: NamedFile, evaluation: NamedFile): Promise<void> {
  page = await studio.newPage()
  await page.goto(studio.url)
  await choose('pick-model', model)
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await go(page, 'data')
  await choose('pick-calibration', [calibration])
  await page.getByTestId('data-calibration').getByText('24 samples', { exact: true }).waitFor()
  await choose('pick-evaluation', [evaluation])
  await page.getByTestId('data-evaluation').getByText('24 samples', { exact: true }).waitFor()
}

/** What axe has against the page as it stands. */
async function violations(): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } }
    const found = await axe.run()
    return found.violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(' ')}`))
  })
}

const percentAt = async (id: string): Promise<number> =>
  Number.parseFloat((await page.getByTestId(id).textContent()) ?? '')

describe('a detector', () => {
  beforeAll(async () =>
    open(await written('squares.onnx', detector), zipped('plain', squares(24)), zipped('boxes', labelledSquares(24))),
  )
  afterAll(() => page.close())

  test('its decoder is proposed from the outputs, and the labelled boxes lie on the picture', async () => {
    expect(await page.getByTestId('task-kind').inputValue()).toBe('detect')
    expect(await page.getByTestId('task-decoder').inputValue()).toBe('heatmap')
    expect(await page.getByTestId('data-evaluation').textContent()).toContain('with boxes')
    await page.locator('.data-place .segmented label', { hasText: 'Evaluation' }).click()
    await page.locator('.sample-view .found.label').first().waitFor()
    expect(await violations()).toEqual([])
  })

  test('a decoder that does not fit is refused by what it lacks, and the one before stays', async () => {
    await page.getByTestId('task-decoder').selectOption('yolo')
    await error(page).waitFor()
    expect(await error(page).textContent()).toContain('which output is "boxes"')
    await page.reload()
    await go(page, 'data')
    expect(await page.getByTestId('task-decoder').inputValue()).toBe('heatmap')
  })

  test('the run is judged by mean average precision, beside the original by boxes', async () => {
    await run(page)
    await result(page)
    expect(await percentAt('report-metric-before')).toBe(100)
    expect(await percentAt('report-metric-after')).toBeGreaterThan(90)
    const facts = await page.getByTestId('agreement').textContent()
    expect(facts).toContain('Boxes that both find')
    expect(facts).not.toContain('best class')
    await page.getByTestId('look-through').click()
    await page.getByTestId('changed-count').waitFor()
    expect(await violations()).toEqual([])
  })

  test('the boxes of both lie over the picture, with those of the label', async () => {
    await go(page, 'compare')
    const both = page.getByTestId('both-boxes')
    await both.locator('.found.after').first().waitFor()
    const counts = await Promise.all(['before', 'after', 'label'].map(of => both.locator(`.found.${of}`).count()))
    expect(counts[0]).toBeGreaterThan(0)
    expect(counts[0]).toBe(counts[2])
    // Each lies on its square: 16 of 64 pixels wide.
    const [square, picture] = await Promise.all([
      both.locator('.found.before').first().boundingBox(),
      both.locator('canvas').boundingBox(),
    ])
    expect(square!.width / picture!.width).toBeCloseTo(0.25, 1)
    await both.getByText('Original', { exact: true }).click()
    expect(await both.locator('.found.after').count()).toBe(0)
    expect(await violations()).toEqual([])
  })
})

/** Photographs of faces among others. */
const pictures = (folder: string, names: readonly string[]): NamedFile =>
  zipped(folder, Object.fromEntries(names.map(name => [name, readFileSync(`${sharedData}imagenet/${folder}/${name}`)])))

describe.skipIf(!hasSharedData)('UltraFace', () => {
  afterAll(() => page.close())

  test('is known by its outputs and its number of boxes, and is fed as its own code feeds it', async () => {
    page = await studio.newPage()
    await page.goto(studio.url)
    const bytes = readFileSync(`${sharedData}onnx/ultraface_rfb320.onnx`)
    await choose('pick-model', [file('ultraface.onnx', bytes)])
    await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
    await go(page, 'data')
    expect(await page.getByTestId('task-decoder').inputValue()).toBe('ultraface')
    expect(await page.locator('.field:has(.name:text-is("Output: boxes")) select').inputValue()).toBe('boxes')
    expect(await page.getByLabel('Mean', { exact: true }).inputValue()).toBe('127')
  })

  test('without labels its boxes are held against the original’s, on photographs', async () => {
    const seen = ['0667_n03787032.jpg', '0697_n03877472.jpg', '0470_n02948072.jpg', '0450_n02860847.jpg']
    const judged = ['0936_n07714571.jpg', '0178_n02092339.jpg', '0183_n02093859.jpg']
    await choose('pick-calibration', [pictures('calib64', seen)])
    await page.getByTestId('data-calibration').getByText('4 samples', { exact: true }).waitFor()
    await choose('pick-evaluation', [pictures('eval136', judged)])
    await page.getByTestId('data-evaluation').getByText('3 samples', { exact: true }).waitFor()
    await run(page)
    await result(page)
    expect(await page.getByTestId('agreement').textContent()).toContain('Boxes that both find')
    await go(page, 'compare')
    const both = page.getByTestId('both-boxes')
    await both.locator('.found.after').first().waitFor()
    expect(await both.locator('.found.before').count()).toBeGreaterThan(0)
    expect(await both.locator('.found.label').count()).toBe(0)
  })
})

describe('a segmenter', () => {
  beforeAll(async () =>
    open(await written('pixels.onnx', segmenter), zipped('plain', squares(24)), zipped('masks', maskedSquares(24))),
  )
  afterAll(() => page.close())

  test('is judged by the IoU of its classes, and both masks lie under one slider', async () => {
    expect(await page.getByTestId('task-kind').inputValue()).toBe('segment')
    expect(await page.getByTestId('data-evaluation').textContent()).toContain('with masks')
    await run(page)
    await result(page)
    expect(await percentAt('report-metric-before')).toBeGreaterThan(99)
    expect(await percentAt('report-metric-after')).toBeGreaterThan(90)
    await go(page, 'compare')
    const masks = page.getByTestId('both-masks')
    await masks.getByTestId('split').waitFor()
    await masks.getByText('Where they differ').click()
    await masks.getByText('Label', { exact: true }).click()
    expect(await masks.locator('canvas').count()).toBe(1)
    expect(await violations()).toEqual([])
  })

  test('taken for a model of vectors, it is held against the original by the cosine of each sample', async () => {
    await go(page, 'data')
    await page.getByTestId('task-kind').selectOption('embed')
    await run(page)
    await result(page)
    await page.getByTestId('look-through').click()
    const bars = page.getByTestId('cosines').locator('li b')
    await bars.first().waitFor()
    const cosines = (await bars.allTextContents()).map(Number)
    expect(cosines.length).toBe(24)
    expect(cosines).toEqual([...cosines].sort((a, b) => a - b))
    expect(cosines[0]).toBeGreaterThan(0.9)
    expect(await violations()).toEqual([])
  })
})

describe.skipIf(!hasSharedData)('a keyword model', () => {
  beforeAll(async () => {
    page = await studio.newPage()
    await page.goto(studio.url)
  })
  afterAll(() => page.close())

  test('shows what it hears over time, and tells twelve words as well as before', async () => {
    const shared = (path: string) => file(baseName(path), readFileSync(`${sharedData}${path}`))
    await choose('pick-model', [shared('onnx/mlperf_kws.onnx')])
    await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
    await go(page, 'data')
    await choose('pick-calibration', [shared('kws/calib200.npz')])
    await page.getByTestId('data-calibration').getByText('200 samples', { exact: true }).waitFor()
    await choose('pick-evaluation', [shared('kws/test800.npz')])
    await page.getByTestId('data-evaluation').getByText('800 samples', { exact: true }).waitFor()
    await page.locator('.sample-view .pictures canvas').first().waitFor()
    expect(await violations()).toEqual([])
    await run(page)
    await result(page)
    expect(await percentAt('report-top1-after')).toBeGreaterThan((await percentAt('report-top1-before')) - 2)
    await go(page, 'compare')
    await page.getByTestId('both-answers').waitFor()
    expect(await violations()).toEqual([])
  })
})
