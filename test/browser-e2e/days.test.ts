// Projects from day to day: saved as one file and dropped again, deleted and brought back, one running while another is looked at.
import { readFileSync } from 'node:fs'
import { zipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { classifier, file, type NamedFile, picture } from './own-files.ts'
import { chooseDevice, different, drop, error, go, openSample, result, run, saveBundle } from './person.ts'
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

const photos = (): NamedFile =>
  file('photos.zip', zipSync(Object.fromEntries(Array.from({ length: 16 }, (_, k) => [`${k}.png`, picture(k)]))))

/** A project of one's own that has been run, as it stands then. */
async function finished(name: string): Promise<void> {
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await classifier(`${name}.onnx`, { apart: true }))
  await go(page, 'data')
  await page.getByTestId('pick-calibration').locator('input').setInputFiles([photos()])
  await page.getByTestId('data-calibration').getByText('16 samples').waitFor()
  await chooseDevice(page, 'wasm')
  await run(page)
  await result(page)
}

/** How many projects have a folder in storage, whole or not. */
const folders = (): Promise<number> =>
  page.evaluate(async () => {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('projects')
    let count = 0
    for await (const _ of root.keys()) count++
    return count
  })

async function saveProject(results = true): Promise<Buffer> {
  await page.getByTestId('project-menu').click()
  await page.getByTestId('save-project').click()
  await page.getByTestId('with-results').setChecked(results)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('dialog[open] button[type=submit]').click(),
  ])
  return readFileSync(await download.path())
}

const named = (name: string) => page.locator('.entries li').filter({ hasText: name })

test('a project saved as a file and dropped again has the same results, and comes to the same bytes', async () => {
  await finished('mine')
  const bundle = await saveBundle(page)
  const saved = await saveProject()
  const bare = await saveProject(false)
  expect(bare.length).toBeLessThan(saved.length)

  await page.locator('.mark').click()
  await named('mine')
    .getByRole('button', { name: /^Remove/ })
    .click()
  await page.getByTestId('deleted-toast').getByRole('button', { name: 'Dismiss' }).click()
  await named('mine').waitFor({ state: 'detached' })

  await drop(page, [file('mine.thimble.zip', saved)])
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  expect(await page.title()).toContain('mine')
  expect(different(await saveBundle(page), bundle)).toEqual([])
  expect(await saveProject()).toEqual(saved)

  // Without its results it is run anew: nothing of the first run is there to take from.
  await drop(page, [file('mine.thimble (1).zip', bare)])
  await page.waitForFunction(() => !document.querySelector('[data-testid=place-result] .sign')?.textContent)
  await chooseDevice(page, 'wasm')
  await run(page)
  await result(page)
  expect(different(await saveBundle(page), bundle)).toEqual([])
})

test('a file of a project that is cut short or damaged is refused, and leaves nothing behind', async () => {
  await finished('whole')
  const saved = await saveProject()
  const address = page.url()
  const before = await folders()
  const damaged = Buffer.from(saved)
  damaged[damaged.indexOf('model/whole.onnx.data') + 200]! ^= 1
  for (const [bytes, why] of [
    [saved.subarray(0, saved.length >> 1), /not a readable zip/],
    [damaged, /checksum of model\/whole/],
  ] as const) {
    await drop(page, [file('whole.thimble.zip', bytes)])
    await error(page).waitFor()
    expect(await error(page).textContent()).toMatch(why)
    expect(await error(page).textContent()).toContain('whole.thimble.zip')
    await error(page).getByRole('button', { name: 'Dismiss' }).click()
    expect(page.url()).toBe(address)
    expect(await folders()).toBe(before)
  }
})

test('a page that is closed in the middle of taking a project in leaves nothing half-made', async () => {
  const large = file('notes.bin', Buffer.alloc(20_000_000, 7))
  const model = await classifier('large.onnx')
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles([...model, large])
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await page.getByTestId('project-menu').click()
  await page.getByTestId('save-project').click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('dialog[open] button[type=submit]').click(),
  ])
  const saved = readFileSync(await download.path())
  const before = await folders()
  await drop(page, [file('large.thimble.zip', saved)])
  await expect.poll(folders, { interval: 5 }).toBeGreaterThan(before)
  await page.close()
  page = await studio.newPage()
  await page.goto(studio.url)
  await expect.poll(folders).toBe(before)
  await named('large').waitFor()
  expect(await named('large').count()).toBe(1)
})

test('a deleted project can be brought back, and is gone after the next start', async () => {
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await classifier('leaving.onnx'))
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  const id = /#\/([\w-]+)\//.exec(page.url())![1]!
  await page.locator('.mark').click()
  const remove = () =>
    named('leaving')
      .getByRole('button', { name: /^Remove/ })
      .click()
  await remove()
  await named('leaving').waitFor({ state: 'detached' })
  await page.getByTestId('undo-delete').click()
  await named('leaving').waitFor()
  await named('leaving')
    .getByRole('button', { name: /^Rename/ })
    .click()
  await page.locator('dialog[open] input').fill('stays')
  await page.keyboard.press('Enter')
  await named('stays').waitFor()
  expect(page.url()).not.toContain(id)

  await named('stays')
    .getByRole('button', { name: /^Remove/ })
    .click()
  await page.getByTestId('deleted-toast').waitFor()
  await page.reload()
  await page.getByTestId('drop-zone').waitFor()
  const stored = () =>
    page.evaluate(async name => {
      const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('projects')
      return root.getDirectoryHandle(name).then(
        () => true,
        () => false,
      )
    }, id)
  await expect.poll(stored).toBe(false)
  expect(await named('stays').count()).toBe(0)
})

test('going to another project lets go of the one before, and what was asked for last is what is open', async () => {
  for (const name of ['alpha', 'omega']) {
    await page
      .getByTestId('pick-model')
      .locator('input')
      .setInputFiles(await classifier(`${name}.onnx`))
    await page.getByTestId('place-model').waitFor()
    await page.locator('.mark').click()
    await named(name).waitFor()
  }
  const addressOf = async (name: string): Promise<string> => {
    const id = (await named(name).first().getAttribute('data-testid'))!.replace('project-', '')
    return `#/${id}/model`
  }
  const [first, second] = [await addressOf('alpha'), await addressOf('omega')]
  // Faster than either is opened.
  await page.evaluate(
    ([a, b]) => {
      location.hash = a!
      setTimeout(() => {
        location.hash = b!
      }, 5)
    },
    [first, second],
  )
  await page.waitForFunction(() => document.title.startsWith('omega'))
  await page.waitForTimeout(500)
  expect(await page.title()).toContain('omega')
  expect(new URL(page.url()).hash).toBe(second)

  const other = await studio.newPage()
  await other.goto(`${studio.url}${first}`)
  await other.waitForFunction(() => document.title.startsWith('alpha'))
  expect(await other.getByTestId('read-only').count()).toBe(0)
  await other.close()
})

test('a run goes on while another project is looked at, and says when it is done', async () => {
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await classifier('looked-at.onnx'))
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await page.locator('.mark').click()
  await openSample(page, 'digits')
  await page.getByTestId('stop-run').waitFor()
  await page.getByTestId('project-menu').click()
  await page.locator('.project-menu a').filter({ hasText: 'looked-at' }).click()
  await page.waitForFunction(() => document.title.startsWith('looked-at'))
  await go(page, 'run')
  await page.getByTestId('runs-elsewhere').waitFor()
  expect(await page.getByTestId('run-button').isDisabled()).toBe(true)
  const toast = page.getByTestId('ended-toast')
  await toast.waitFor({ timeout: 150_000 })
  expect(await page.title()).toContain('looked-at')
  expect(await page.getByTestId('run-button').isEnabled()).toBe(true)
  await toast.getByRole('button', { name: 'Go there' }).click()
  await result(page)
  expect(await page.title()).toContain('Handwritten digits')
})
