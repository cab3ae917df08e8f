// On the audio thread: hands on what the microphone gives, the first channel, in blocks of some milliseconds.
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void

registerProcessor(
  'recorder',
  class extends AudioWorkletProcessor {
    process([[channel]]: (Float32Array | undefined)[][]): boolean {
      if (channel) this.port.postMessage(channel.slice())
      return true
    }
  },
)
