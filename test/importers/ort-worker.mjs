// Runs models in onnxruntime-web on a thread of its own, since an abort of the engine leaves it unusable. Without feeds a model is
// only loaded.
import { parentPort } from 'node:worker_threads'
import * as ort from 'onnxruntime-web'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'fatal'

parentPort.on('message', async ({ bytes, feeds }) => {
  try {
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], logSeverityLevel: 4 })
    try {
      const names = { inputs: [...session.inputNames], names: [...session.outputNames] }
      if (feeds === null) {
        parentPort.postMessage({ ...names, outputs: [] })
        return
      }
      const tensors = Object.fromEntries(feeds.map(f => [f.name, new ort.Tensor(f.type, f.data, f.dims)]))
      const results = await session.run(tensors, { logSeverityLevel: 4 })
      const outputs = Object.entries(results).map(([name, t]) => ({
        name,
        type: t.type,
        dims: [...t.dims],
        data: t.data,
      }))
      parentPort.postMessage({ ...names, outputs })
    } finally {
      await session.release()
    }
  } catch (error) {
    parentPort.postMessage({ error: String(error?.message ?? error) })
  }
})
