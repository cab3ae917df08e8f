// What a person does with the studio, step by step, as the end-to-end tests repeat it; everything is found as it is on the page.
import { readFileSync } from 'node:fs'
import { type Unzipped, unzipSync } from 'fflate'
import type { Locator, Page } from 'playwright-core'
import type { Report } from '../../src/jobs/report.ts'
import type { NamedFile } from './own-files.ts'

export type Place = 'model' | 'data' | 'recipe' | 'run' | 'result' | 'compare' | 'export'

export const go = (page: Page, place: Place): Promise<void> => page.getByTestId(`place-${place}`).click()

/** The one click that opens a sample and runs it. */
export const openSample = (page: Page, id: string): Promise<void> => page.getByTestId(`sample-${id}`).click()

export const error = (page: Page): Locator => page.getByTestId('error-panel')

/** The page goes to the result by itself when a run ends well; where it does not, what the page says is why. */
export async function result(page: Page, timeout = 150_000): Promise<void> {
  await page
    .getByTestId('agreement')
    .waitFor({ timeout })
    .catch(async (thrown: Error) => {
      const said = await Promise.all([
        page.getByTestId('status-line').textContent(),
        ...(await error(page).allTextContents()),
      ]).catch(() => ['the page is gone'])
      throw new Error(`There is no result: ${said.join('; ')} (${page.url()})`, { cause: thrown })
    })
}

/** Chooses what the next run is done on. */
export async function chooseDevice(page: Page, device: 'auto' | 'webgpu' | 'wasm'): Promise<void> {
  await go(page, 'run')
  await page.locator(`.run-controls input[value=${device}]`).check({ force: true })
}

export async function run(page: Page): Promise<void> {
  await go(page, 'run')
  await page.getByTestId('run-button').click()
}

/** Saves a bundle; its files by path. */
export async function saveBundle(page: Page, target = 'onnxruntime'): Promise<Unzipped> {
  await go(page, 'export')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId(`save-bundle-${target}`).click(),
  ])
  return unzipSync(readFileSync(await download.path()))
}

/** The report as the page saves it, with what depends on the machine. */
export async function saveReport(page: Page): Promise<Report> {
  await go(page, 'export')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('.export-place > .section button').nth(1).click(),
  ])
  return JSON.parse(readFileSync(await download.path(), 'utf8')) as Report
}

/** Drops files on the page, as from the desktop. */
export const drop = (page: Page, files: readonly NamedFile[]): Promise<void> =>
  page.evaluate(
    given => {
      const dataTransfer = new DataTransfer()
      for (const { name, bytes } of given) {
        const content = Uint8Array.from(atob(bytes), character => character.charCodeAt(0))
        dataTransfer.items.add(new File([content], name))
      }
      document
        .querySelector('main')!
        .dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
    },
    files.map(({ name, buffer }) => ({ name, bytes: buffer.toString('base64') })),
  )

export const json = <T>(files: Unzipped, path: string): T => JSON.parse(new TextDecoder().decode(files[path])) as T

/** Paths whose bytes differ, or that only one side has. */
export const different = (a: Unzipped, b: Unzipped): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter(path => !a[path] || !b[path] || Buffer.compare(a[path], b[path]) !== 0)
    .sort()
