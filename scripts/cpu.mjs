// What of this machine's processor decides which answers a runtime can give.
import { existsSync, readFileSync } from 'node:fs'

const about = '/proc/cpuinfo'

/**
 * Whether products of uint8 and int8 are summed exactly by kernels that use the processor's own instructions for it. On x86 without
 * VNNI they overflow, and a runtime that has no other kernel is held to a lower bar, of which the console hears.
 */
const sumsBytesExactly =
  process.arch !== 'x64' || !existsSync(about) || /\bavx(512)?_vnni\b/.test(readFileSync(about, 'utf8'))

/**
 * @template T
 * @param {string} what
 * @param {T} usual
 * @param {T} overflowing
 */
export function barOn(what, usual, overflowing) {
  if (sumsBytesExactly) return usual
  const [lower, bar] = [overflowing, usual].map(value => JSON.stringify(value))
  console.log(`${what} is held to ${lower} instead of ${bar}: this processor has no VNNI.`)
  return overflowing
}
