// The main job in a Firefox as it is installed, where there is one: without WebGPU, with other mathematics, and offline.
import { expect, test } from 'vitest'
import { findFirefox, tryFirefox } from '../../scripts/firefox.mjs'

// It takes minutes: in `npm test` only where a Firefox is named; `npm run firefox` takes the one that is installed.
const firefox = process.env.FIREFOX ? findFirefox() : null
if (!firefox) console.log('Firefox was not tried: name one in FIREFOX, or call `npm run firefox`.')

test.skipIf(!firefox)(
  'in Firefox the whole job holds, offline too, and makes the bytes of the command line',
  async () => {
    const rows = await tryFirefox(firefox!)
    expect(rows.filter(row => !row.held)).toEqual([])
    expect(rows.length).toBeGreaterThan(10)
  },
  1_800_000,
)
