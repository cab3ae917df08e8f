// The README's picture: the digit sample's result. `node scripts/screenshot.mjs [file] [light|dark]`
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { install, root } from './install.mjs'

install()
const { withSamplePage } = await import('./sample-page.mjs')

const [file = join(root, 'docs/screenshot.png'), colorScheme = 'light'] = process.argv.slice(2)
await withSamplePage({ viewport: { width: 1440, height: 900 }, colorScheme }, async page => {
  await page.mouse.move(0, 0)
  mkdirSync(dirname(file), { recursive: true })
  await page.screenshot({ path: file, animations: 'disabled' })
  console.log(`wrote ${file}`)
})
