// How many threads the engine may use: all cores where the page is isolated, else the one it has.
export const availableThreads = (): number => (crossOriginIsolated ? navigator.hardwareConcurrency : 1)
