// How many engines work at once. Each is a thread of its own and needs no isolation; past eight, memory costs more than time is won.
export const availableThreads = (): number => Math.max(1, Math.min(8, navigator.hardwareConcurrency))
