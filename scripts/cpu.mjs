// What of this machine's processor decides which answers a runtime can give.
import { existsSync, readFileSync } from 'node:fs'

const about = '/proc/cpuinfo'

/**
 * Whether products of uint8 and int8 are summed exactly by kernels that use the processor's own instructions for it. On x86 without
 * VNNI they overflow, and a runtime that has no other kernel is held to a lower bar, of which the console hears.
 */
export const sumsBytesExactly =
  process.arch !== 'x64' || !existsSync(about) || /\bavx(512)?_vnni\b/.test(readFileSync(about, 'utf8'))

/**
 * @param {string} what
 * @param {number} usual in dB
 * @param {number} overflowing
 */
export function barOn(what, usual, overflowing) {
  if (sumsBytesExactly) return usual
  console.log(`${what}: at least ${overflowing} instead of ${usual} dB, for this processor has no VNNI.`)
  return overflowing
}
