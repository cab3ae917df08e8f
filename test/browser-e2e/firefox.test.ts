// The main job in a Firefox as it is installed, where there is one: without WebGPU, with other mathematics, and offline.
import { expect, test } from 'vitest'
import { findFirefox, tryFirefox } from '../../scripts/firefox.mjs'

const firefox = findFirefox()
if (!firefox) {
  console.log(
    'Firefox was not tried: found none. Install one (apt-get install firefox-esr), or set FIREFOX to its path.',
  )
}

test.skipIf(!firefox)(
  'in Firefox the whole job holds, offline too, and makes the bytes of the command line',
  async () => {
    const rows = await tryFirefox(firefox!)
    expect(rows.filter(row => !row.held)).toEqual([])
    expect(rows.length).toBeGreaterThan(10)
  },
  900_000,
)
