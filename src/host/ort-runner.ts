// Sessions over onnxruntime-web, whichever build of it the host loaded: the browser's and Node's differ only in how they are started.
import type * as Ort from 'onnxruntime-common'
import type { DType, TypedArray } from '../base/dtype.ts'
import type { Clock, DeviceArray, Feeds, Runner, Session, SessionOptions } from '../ir/context.ts'
import type { Model, ValueName } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'
import { discard } from './discard.ts'
import { inModel, runtimeError } from './runtime-error.ts'

export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>

/** Bytes of a model whose graph outputs are `outputs`; lent by the caller, since a host knows no formats. */
export type EncodeModel = (model: Model) => Promise<Uint8Array>

export interface OrtOptions {
  engine: 'wasm' | 'webgpu'
  /** Bytes that the engine's memory holds at the moment; it never shrinks. */
  memory: () => number
  clock: Clock
  /** For 'webgpu': our own device, which outlives the sessions. */
  device?: unknown
  /** Rejects with a StudioError 'device-lost' when the device goes away. */
  lost?: Promise<never>
}

export interface OrtRunnerOptions extends OrtOptions {
  threads: number
  encode: EncodeModel
}

// onnxruntime 1.30: "max supported IR version: 13". Later versions add what models say, not what operators compute.
const newestIrVersion = 13

/** The same model as the runtime takes it, giving `outputs` instead of its own. */
export function withOutputs(model: Model, outputs: readonly ValueName[] | undefined): Model {
  const irVersion = Math.min(model.irVersion, newestIrVersion)
  return { ...model, irVersion, graph: { ...model.graph, outputs: [...new Set(outputs ?? model.graph.outputs)] } }
}

/** Runs in the thread that it is called in. */
export function createOrtRunner(ort: OrtModule, options: OrtRunnerOptions): Runner {
  let peak = 0
  const measured: OrtOptions = {
    ...options,
    memory: () => {
      const now = options.memory()
      peak = Math.max(peak, now)
      return now
    },
  }
  return {
    engine: options.engine,
    threads: options.threads,
    open: async (model, request = {}) => {
      const bytes = await options.encode(withOutputs(model, request.outputs))
      return openSession(ort, bytes, request, measured).catch(thrown => {
        throw inModel(thrown, model)
      })
    },
    discard,
    peakBytes: () => peak,
  }
}

/** A session over an encoded model. */
export async function openSession(
  ort: OrtModule,
  bytes: Uint8Array,
  request: Pick<SessionOptions, 'optimize' | 'location'>,
  options: OrtOptions,
): Promise<Session> {
  const { engine, device, lost, clock } = options
  const guard = <T>(work: Promise<T>): Promise<T> => (lost ? Promise.race([work, lost]) : work)
  const onDevice = engine === 'webgpu' && request.location === 'device'
  const session = await guard(
    ort.InferenceSession.create(bytes, {
      executionProviders: engine === 'webgpu' ? [{ name: 'webgpu', device } as never] : ['wasm'],
      graphOptimizationLevel: request.optimize === 'none' ? 'disabled' : 'all',
      logSeverityLevel: 4,
      ...(request.optimize === 'pairs' ? { extra: { session: { disable_quant_qdq: '1' } } } : {}),
      ...(onDevice ? { preferredOutputLocation: 'gpu-buffer' as const } : {}),
    }),
  ).catch(cause => {
    throw runtimeError(cause, 'load')
  })
  options.memory()
  const fed = (feeds: Feeds): Record<string, Ort.Tensor> => {
    const tensors: Record<string, Ort.Tensor> = {}
    for (const name of session.inputNames) if (feeds[name]) tensors[name] = toTensor(ort, feeds[name])
    return tensors
  }
  const run = async (tensors: Record<string, Ort.Tensor>): Promise<Ort.InferenceSession.OnnxValueMapType> => {
    try {
      return await guard(session.run(tensors))
    } catch (cause) {
      throw runtimeError(cause, 'run')
    } finally {
      options.memory()
    }
  }
  return {
    onDevice,
    run: async feeds => {
      const results = await run(fed(feeds))
      const arrays: Record<ValueName, NdArray> = {}
      for (const [name, value] of Object.entries(results)) {
        const tensor = value as Ort.Tensor
        // A sequence or optional output has no array form; nobody asks for one but the differential tests.
        if (!('dims' in tensor)) continue
        const data = tensor.location === 'gpu-buffer' ? await tensor.getData(true) : tensor.data
        arrays[name] = { dtype: tensor.type as DType, shape: [...tensor.dims], data: data as TypedArray }
      }
      return arrays
    },
    time: async feeds => {
      const tensors = fed(feeds)
      const start = clock()
      const results = await run(tensors)
      const ms = clock() - start
      for (const value of Object.values(results)) (value as Ort.Tensor).dispose()
      return ms
    },
    ...(onDevice
      ? {
          runOnDevice: async (feeds: Feeds) => {
            const arrays: Record<ValueName, DeviceArray> = {}
            for (const [name, value] of Object.entries(await run(fed(feeds)))) {
              const tensor = value as Ort.Tensor
              arrays[name] = {
                dtype: 'float32',
                shape: [...tensor.dims],
                buffer: tensor.gpuBuffer,
                release: () => tensor.dispose(),
              }
            }
            return arrays
          },
        }
      : {}),
    // A run that the device took with it never ends, and the runtime would wait for it.
    close: () => guard(session.release()),
  }
}

function toTensor(ort: OrtModule, array: NdArray): Ort.Tensor {
  return new ort.Tensor(array.dtype as Ort.Tensor.Type, array.data as never, array.shape)
}
