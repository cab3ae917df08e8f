// A person with files of their own: a model with external data, a zip of pictures one of which is broken, edits on the way; and
// files that cannot be used, each refused in four parts while what was open stays as it was.
import { zipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/base/bytes.ts'
import { writeNpz } from '../../src/formats/npz.ts'
import { floats } from '../../src/ir/tensor.ts'
import { classifier, file, type NamedFile, picture } from './own-files.ts'
import { drop, error, go, json, openSample, result, run, saveBundle } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

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

const choose = (where: string, files: NamedFile[]): Promise<void> =>
  page.getByTestId(where).locator('input').setInputFiles(files)

/** The error panel: its code, and what stands in it; all four parts are there. */
async function refusal(): Promise<{ code: string | null; words: string }> {
  const panel = error(page)
  await panel.waitFor()
  expect(await panel.locator('dt').allTextContents()).toEqual(['What', 'Where', 'Why', 'What to do'])
  for (const part of await panel.locator('dd').allTextContents()) expect(part.trim()).not.toBe('')
  return { code: await panel.getAttribute('data-code'), words: (await panel.textContent()) ?? '' }
}

const pictures = (): NamedFile => {
  const entries = Array.from(
    { length: 24 },
    (_, k) => [`photos/${String(k).padStart(2, '0')}.png`, picture(k)] as const,
  )
  const broken = picture(99).subarray(0, 700)
  return file(
    'photos.zip',
    zipSync(Object.fromEntries([...entries, ['photos/broken.png', broken] as const]), { level: 0 }),
  )
}

test('a model with its weights beside it and a zip of pictures go the whole way', async () => {
  await choose('pick-model', await classifier('mine.onnx', { apart: true }))
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  expect(await page.title()).toContain('mine')

  await go(page, 'data')
  expect(await page.getByTestId('input-proposed').isVisible()).toBe(true)
  await choose('pick-calibration', [pictures()])
  const data = page.getByTestId('data-calibration')
  await data.getByText('1 sample skipped').waitFor()
  expect(await data.textContent()).toContain('broken.png')

  // What is fed follows the pre-processing, edit upon edit: the brightest pixel is 255, and (255 ÷ 255 - 0.5) ÷ 0.25 is 2.
  for (const [name, value] of [
    ['Scale', String(1 / 255)],
    ['Mean', '0.5, 0.5, 0.5'],
    ['Std', '0.25, 0.25, 0.25'],
  ] as const) {
    await page.getByLabel(name, { exact: true }).fill(value)
    await page.getByLabel(name, { exact: true }).press('Tab')
  }
  const most = page.locator('.sample-view dl dt:text-is("max") + dd')
  await most.filter({ hasText: /^2(\.0+)?$/ }).waitFor()
  await page.getByTestId('input-proposed').waitFor({ state: 'detached' })

  await run(page)
  await result(page)
  expect(await page.getByText('broken.png').first().isVisible()).toBe(true)
  const bundle = await saveBundle(page)
  const manifest = json<{ inputs: { preprocess: { mean: number[]; std: number[] } }[] }>(bundle, 'manifest.json')
  expect(manifest.inputs[0]!.preprocess).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
})

test('the text of the recipe is checked as it is written; run, stop and run again', async () => {
  await choose('pick-model', await classifier('mine.onnx'))
  await go(page, 'data')
  await choose('pick-calibration', [pictures()])
  await page.getByTestId('data-calibration').getByText('1 sample skipped').waitFor()

  await go(page, 'recipe')
  const text = page.getByTestId('recipe-json')
  const good = await text.inputValue()
  await text.fill(good.replace('"do": "quantize"', '"do": "quantize", "rnage": "mse"'))
  const { code, words } = await refusal()
  expect(code).toBe('bad-recipe')
  expect(words).toContain('rnage')
  await text.fill(good.replace('"do": "quantize"', '"do": "quantize", "range": "mse"'))
  await error(page).waitFor({ state: 'detached' })

  await run(page)
  await page.getByTestId('stop-button').click()
  await page.getByTestId('run-button').waitFor()
  expect(await page.getByTestId('status-line').textContent()).toContain('Stopped')
  await run(page)
  await result(page)
  const recipe = json<{ steps: { do: string; range?: string }[] }>(await saveBundle(page), 'recipe.json')
  expect(recipe.steps.find(step => step.do === 'quantize')?.range).toBe('mse')
})

describe('what cannot be used is refused', () => {
  test('external data that is missing, by its name', async () => {
    const [model] = await classifier('mine.onnx', { apart: true })
    await choose('pick-model', [model!])
    const { code, words } = await refusal()
    expect(code).toBe('missing-file')
    expect(words).toContain('mine.onnx.data')
    expect(await page.getByTestId('drop-zone').isVisible()).toBe(true)
  })

  test('a truncated model, by its name', async () => {
    const [model] = await classifier('half.onnx')
    await choose('pick-model', [{ ...model!, buffer: model!.buffer.subarray(0, model!.buffer.length >> 1) }])
    const { code, words } = await refusal()
    expect(code).toBe('truncated')
    expect(words).toContain('half.onnx')
  })

  test('a picture in place of a model', async () => {
    await choose('pick-model', [file('photo.png', picture(1))])
    const { code, words } = await refusal()
    expect(code).toBe('not-a-model')
    expect(words).toContain('photo.png')
  })

  test('a picture that calls itself a model, dropped over an open project, which stays as it was', async () => {
    await choose('pick-model', await classifier('mine.onnx'))
    await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
    const address = page.url()
    await drop(page, [file('photo.onnx', picture(1))])
    const { code } = await refusal()
    expect(code).toBe('not-a-model')
    expect(page.url()).toBe(address)
    expect(await page.title()).toContain('mine')
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await page.reload()
    await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  })

  test('weights that are not a number, by the name of the tensor', async () => {
    await choose('pick-model', await classifier('mine.onnx', { weights: '{nan}' }))
    await go(page, 'data')
    await choose('pick-calibration', [pictures()])
    await page.getByTestId('data-calibration').getByText('1 sample skipped').waitFor()
    await run(page)
    const { code, words } = await refusal()
    expect(code).toBe('bad-weights')
    expect(words).toContain('w1')
    expect(await page.getByTestId('run-button').isEnabled()).toBe(true)
  })

  test('samples of another shape, while those before stay', async () => {
    await choose('pick-model', await classifier('mine.onnx'))
    await go(page, 'data')
    await choose('pick-calibration', [pictures()])
    await page.getByTestId('data-calibration').getByText('1 sample skipped').waitFor()
    const wrong = writeNpz({ image: floats([4, 3, 7, 9], new Float32Array(4 * 3 * 7 * 9)) })
    await choose('pick-calibration', [file('wrong.npz', wrong)])
    const { code, words } = await refusal()
    expect(code).toBe('bad-data')
    expect(words).toMatch(/wrong\.npz|image/)
    expect(await page.getByTestId('data-calibration').textContent()).toContain('photos.zip')
  })

  test('no samples at all', async () => {
    await choose('pick-model', await classifier('mine.onnx'))
    await go(page, 'data')
    await choose('pick-calibration', [file('empty.zip', zipSync({ 'readme.txt': utf8('nothing here') }))])
    expect((await refusal()).code).toBe('bad-data')
  })
})

test('a full disk: what is needed and what can go is said, and nothing is changed', async () => {
  await choose('pick-model', await classifier('older.onnx'))
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await page.locator('.mark').click()
  await choose('pick-model', await classifier('open.onnx'))
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await go(page, 'data')
  const session = await studio.context.newCDPSession(page)
  const quota = (quotaSize?: number) =>
    session.send('Storage.overrideQuotaForOrigin', { origin: new URL(studio.url).origin, quotaSize })
  await quota(1)
  await choose('pick-calibration', [pictures()])
  const { code, words } = await refusal()
  expect(code).toBe('storage-full')
  expect(words).toMatch(/photos\.zip.*needs [\d.]+ MB.*Delete a project you no longer need \(\w+ \([\d.]+ MB\)/)
  expect(words).not.toContain('open (')
  await quota()
  await page.reload()
  await page.getByTestId('data-calibration').getByText('Nothing added').waitFor()
  await choose('pick-calibration', [pictures()])
  await page.getByTestId('data-calibration').getByText('1 sample skipped').waitFor()
})

test('a sample over an open project leaves that project in the list', async () => {
  await choose('pick-model', await classifier('kept.onnx'))
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await page.locator('.mark').click()
  await openSample(page, 'digits')
  await result(page)
  await page.locator('.mark').click()
  await page.getByRole('button', { name: /^Open: kept/ }).waitFor()
})

test('nothing of all this left the machine', () => {
  expect(studio.foreign).toEqual([])
})
