// The labelled data that some tests want; they stand beside the repository and are never part of it.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const sharedData = fileURLToPath(new URL('../../../shared/data/', import.meta.url))
export const hasSharedData = existsSync(sharedData)
if (!hasSharedData) console.log(`Tests on real data are left out: ${sharedData} is missing.`)
