// The sum of all WASM memories of this thread. The runtime keeps its memory to itself, so the constructor is watched; this
// module must be loaded before any engine.
const memories: WebAssembly.Memory[] = []
const Original = WebAssembly.Memory

WebAssembly.Memory = class Memory extends Original {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor)
    memories.push(this)
  }
}

/** Bytes of every WASM memory made in this thread since this module was loaded. A memory never shrinks. */
export const wasmMemoryBytes = (): number => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
