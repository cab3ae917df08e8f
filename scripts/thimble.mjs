// The command line from a checkout: builds it when a source changed, silently, then is it.
import { fileURLToPath } from 'node:url'
import { install } from './install.mjs'

install()
const { buildCli } = await import('./build.mjs')
await buildCli({ quiet: true })
process.argv[1] = fileURLToPath(new URL('../dist/cli/thimble.mjs', import.meta.url))
await import('../dist/cli/thimble.mjs')
