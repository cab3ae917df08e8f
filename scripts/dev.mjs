// `npm run dev`: Vite's development server, with the isolation headers and every change at once in the page.
import { install, root } from './install.mjs'

install()
const { buildKernels } = await import('./build.mjs')
const { createServer } = await import('vite')

await buildKernels()
const server = await createServer({ root })
await server.listen()
server.printUrls()
