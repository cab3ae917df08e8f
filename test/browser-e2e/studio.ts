// The harness of the end-to-end tests: serves the built site, drives it with a real Chromium, and watches every request.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page, type Request } from 'playwright-core'
import { chromiumArgs, findChromium } from '../../scripts/chromium.mjs'
import { serve, siteFolder } from '../../scripts/serve.mjs'

export interface Studio {
  url: string
  context: BrowserContext
  page: Page
  /** Requests that went to any other origin, by page, workers or service worker, as `method url`. */
  foreign: string[]
  /** Errors of the page and of its console. */
  errors: string[]
  /** Stops the server: from now on there is no network, for service worker and threads too. */
  cutNetwork(): Promise<void>
  /** Waits until the service worker has stored the whole site. */
  offlineReady(): Promise<void>
  newPage(): Promise<Page>
  close(): Promise<void>
}

export interface StudioOptions {
  headers?: boolean // false: a host that sends none
  prefix?: string // a path that the site lies under
  args?: string[] // more for Chromium
  site?: string // a folder other than the built one
}

/** A fresh browser profile on the built site; `npm run build` must have made it. */
export async function openStudio({
  headers = true,
  prefix = '/',
  args = [],
  site = siteFolder,
}: StudioOptions = {}): Promise<Studio> {
  const server = await serve(site, { headers, prefix })
  const profile = mkdtempSync(join(tmpdir(), 'thimble-e2e-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium() ?? undefined,
    headless: true,
    args: [...chromiumArgs, ...args],
    viewport: { width: 1280, height: 800 },
  })
  // The save dialog is the system's, which no test can press; without it the page downloads.
  await context.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
  const foreign: string[] = []
  const errors: string[] = []
  const { origin } = new URL(server.url)
  // Requests of dedicated workers and of the service worker are events of the context too. What the policy stops is reported as
  // a failed request, though it never reached the network.
  const note = (request: Request): void => {
    const url = request.url()
    const stopped = /csp|ERR_BLOCKED_BY|ERR_FAILED/.test(request.failure()?.errorText ?? '')
    if (/^https?:/.test(url) && new URL(url).origin !== origin && !stopped) foreign.push(`${request.method()} ${url}`)
  }
  context.on('requestfinished', note)
  context.on('requestfailed', note)
  const watch = (page: Page): void => {
    page.on('pageerror', error => errors.push(String(error)))
    page.on('console', message => {
      if (message.type() === 'error') errors.push(message.text())
    })
  }
  context.on('page', watch)
  const page = context.pages()[0] ?? (await context.newPage())
  watch(page)
  await page.goto(server.url)

  let serving = true
  return {
    url: server.url,
    context,
    page,
    foreign,
    errors,
    async cutNetwork() {
      if (serving) await server.close()
      serving = false
      await context.setOffline(true)
    },
    async offlineReady() {
      const problem = await page.evaluate(async () => {
        const { active } = await navigator.serviceWorker.ready
        const channel = new MessageChannel()
        const answer = new Promise<string | null>(done => {
          channel.port1.onmessage = event => done(event.data as string | null)
        })
        active!.postMessage('fill', [channel.port2])
        return answer
      })
      if (problem) throw new Error(problem)
    },
    newPage: () => context.newPage(),
    async close() {
      await context.close()
      if (serving) await server.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}
