// Sound from the microphone as the browser hears it: one channel, at a given rate, with nothing done to it on the way.
import worklet from './recorder.worklet.ts?worker&url'

export interface Recording {
  /** All values so far, from -1 to 1. */
  values(): Float32Array
  stop(): Promise<void>
}

/** Records until it is stopped. `heard` is told after each block how many values there are, and the largest of the block. */
export async function record(rate: number, heard: (count: number, level: number) => void): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  })
  const context = new AudioContext({ sampleRate: rate })
  const stop = async (): Promise<void> => {
    for (const track of stream.getTracks()) track.stop()
    if (context.state !== 'closed') await context.close()
  }
  const blocks: Float32Array[] = []
  let count = 0
  try {
    await context.audioWorklet.addModule(worklet)
    const node = new AudioWorkletNode(context, 'recorder', { numberOfOutputs: 0 })
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      blocks.push(data)
      count += data.length
      heard(
        count,
        data.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      )
    }
    context.createMediaStreamSource(stream).connect(node)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    values() {
      const all = new Float32Array(count)
      let at = 0
      for (const block of blocks) {
        all.set(block, at)
        at += block.length
      }
      return all
    },
    stop,
  }
}
