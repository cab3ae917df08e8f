// The context that stages are lent in tests: onnxruntime-web on one thread, and tensors read from memory or from given files.

import { createKernels } from '../kernels/lib/backends.ts'
import type { ByteSource } from '../src/base/bytes.ts'
import { createRng } from '../src/base/rng.ts'
import { encodeModel } from '../src/exporters/onnx.ts'
import { createNodeRunner } from '../src/host/node/runner.ts'
import { createBytes } from '../src/ir/bytes.ts'
import type { Context } from '../src/ir/context.ts'

/** All of a Context but the kernels, which tests take from their own room. */
export async function createTestContext(
  sources: ReadonlyMap<string, ByteSource> = new Map(),
): Promise<Omit<Context, 'kernels'>> {
  const bytes = createBytes(sources)
  const kernels = createKernels('wasm')
  return {
    bytes,
    runner: await createNodeRunner({ encode: model => encodeModel(model, bytes) }),
    // Copied as between threads, so that a task can rely on plain data only.
    perform: async (task, input) => structuredClone(task.run(structuredClone(input), await kernels, () => {})),
    clock: () => performance.now(),
    rng: createRng(0),
    signal: new AbortController().signal,
    progress: () => {},
  }
}
