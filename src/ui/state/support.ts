// What a browser must have for the studio to run at all. WebGPU and threads are welcome, not needed.

const simdProbe = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
)

export function missingFeatures(): string[] {
  const needs: [string, () => boolean][] = [
    ['WebAssembly', () => typeof WebAssembly === 'object'],
    ['WebAssembly SIMD', () => WebAssembly.validate(simdProbe)],
    ['module workers', () => typeof Worker === 'function'],
    ['IndexedDB', () => typeof indexedDB === 'object'],
    ['Origin private file system', () => typeof navigator.storage?.getDirectory === 'function'],
    ['Web Locks', () => 'locks' in navigator],
    ['structuredClone', () => typeof structuredClone === 'function'],
    ['popover', () => 'popover' in HTMLElement.prototype],
    ['Array.prototype.toSpliced', () => 'toSpliced' in Array.prototype],
  ]
  return needs.filter(([, there]) => !there()).map(([name]) => name)
}
