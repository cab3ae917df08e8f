// A new version of the site: it waits until the person takes it, and is not taken while a job runs, in whichever tab.
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { siteFolder } from '../../scripts/serve.mjs'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio | null = null
let site = ''
afterEach(async () => {
  await studio?.close()
  studio = null
  rmSync(site, { recursive: true, force: true })
})

/** The site as another build would have it: another page, and a service worker that knows its hash. */
function publishAnother(): void {
  const page = join(site, 'index.html')
  const worker = join(site, 'service.worker.js')
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
  const before = readFileSync(page, 'utf8')
  const after = before.replace('<title>', '<meta name="version" content="next"><title>')
  writeFileSync(page, after)
  writeFileSync(worker, readFileSync(worker, 'utf8').replace(hash(before), hash(after)))
}

test('an update waits for the person, and for every running job', async () => {
  site = mkdtempSync(join(tmpdir(), 'thimble-site-'))
  cpSync(siteFolder, site, { recursive: true })
  studio = await openStudio({ site })
  const { page, newPage, url, offlineReady } = studio
  await offlineReady()
  publishAnother()
  await page.reload()
  const isNext = () => page.locator('meta[name=version]').count()
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()))
  await page.getByTestId('update-ready').waitFor()
  expect(await isNext()).toBe(0)

  // A run in another tab holds this lock for as long as it takes.
  const other = await newPage()
  await other.goto(url)
  await other.evaluate(() => {
    const job = new Promise<void>(done => Object.assign(window, { done }))
    return new Promise<void>(taken => {
      void navigator.locks.request('thimble:running', { mode: 'shared' }, () => {
        taken()
        return job
      })
    })
  })
  await page.getByTestId('update-ready').getByRole('button').first().click()
  await page.waitForTimeout(1000)
  expect(await isNext()).toBe(0)

  await other.evaluate(() => (window as unknown as { done(): void }).done())
  await page.waitForFunction(async () => (await navigator.locks.query()).held?.length === 0)
  await page.getByTestId('update-ready').getByRole('button').first().click()
  await page.locator('meta[name=version]').waitFor({ state: 'attached' })
})
