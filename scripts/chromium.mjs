// Which Chromium the browser tests drive: CHROMIUM, the system's, Google's, or Playwright's own, in this order.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

/** WebGPU in software, and nothing that the browser would ask of the network by itself. */
export const chromiumArgs = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-gpu-watchdog',
  '--disable-background-networking',
]

/** Path of a Chromium, or null. */
export function findChromium() {
  const places = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    chromium.executablePath(),
  ]
  return places.find(path => path && existsSync(path)) ?? null
}

/** Finds one, or installs the system's where that is allowed; null after a word on how to get one. */
export function ensureChromium() {
  const found = findChromium()
  if (found) return found
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium with apt-get ...')
    spawnSync('apt-get update -q && apt-get install -y -q --no-install-recommends chromium', {
      shell: true,
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  const installed = findChromium()
  if (!installed) {
    console.error(
      'The browser tests need a Chromium and found none. Install one (apt-get install chromium, or Google Chrome), ' +
        'or `npx playwright-core install chromium`, or set CHROMIUM to the path of one.',
    )
  }
  return installed
}
