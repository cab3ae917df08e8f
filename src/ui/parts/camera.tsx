// Pictures from the camera, one at a click. They are kept as PNG, so that what the model is fed is what was seen.
import { createEffect, createSignal, For, onCleanup, Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { deviceProblem } from '../state/device-problem.ts'
import type { GivenFile } from '../state/files.ts'
import './camera.css'

interface Shot {
  file: File
  address: string
}

export function Camera(props: { onDone: (pictures: GivenFile[]) => void }) {
  const [shots, setShots] = createSignal<readonly Shot[]>([])
  const [ready, setReady] = createSignal(false)
  const [problem, setProblem] = createSignal<string | null>(null)
  let dialog!: HTMLDialogElement
  let video!: HTMLVideoElement
  let stream: MediaStream | null = null
  let closed = false

  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = null
  }
  async function start(): Promise<void> {
    try {
      if (!navigator.mediaDevices) throw new TypeError(t().gather.missing)
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
      if (closed) {
        stop()
        return
      }
      video.srcObject = stream
      await video.play()
      setReady(true)
    } catch (error) {
      setProblem(deviceProblem(error, t().gather))
    }
  }
  createEffect(() => {
    dialog.showModal()
    void start()
  })
  onCleanup(() => {
    closed = true
    stop()
    for (const { address } of shots()) URL.revokeObjectURL(address)
  })

  const take = () => {
    const canvas = document.createElement('canvas')
    canvas.width = video.videoWidth
    canvas.height = video.videoHeight
    canvas.getContext('2d')!.drawImage(video, 0, 0)
    canvas.toBlob(blob => {
      if (!blob) return
      const file = new File([blob], `camera-${shots().length + 1}.png`, { type: 'image/png' })
      setShots(list => [...list, { file, address: URL.createObjectURL(blob) }])
    }, 'image/png')
  }
  const done = (keep: boolean) => {
    if (closed) return
    closed = true
    stop()
    props.onDone(keep ? shots().map(({ file }) => ({ path: file.name, file })) : [])
  }
  const count = () => format.whole(shots().length, locale())
  return (
    <dialog
      ref={dialog}
      class="camera"
      aria-label={t().gather.cameraTitle}
      // Closing it by a key keeps what was taken.
      onClose={() => done(true)}
    >
      <div>
        <h2>{t().gather.cameraTitle}</h2>
        <p class="soft">{t().gather.cameraAbout}</p>
      </div>
      <Show when={!problem()} fallback={<p class="note bad-note">{problem()}</p>}>
        <video ref={video} muted playsinline aria-label={t().gather.cameraTitle} />
        <p class="soft" role="status">
          {ready() ? t().gather.taken(count()) : t().gather.starting}
        </p>
        <div class="shots">
          <For each={shots()}>{({ address }, k) => <img src={address} alt={String(k() + 1)} />}</For>
        </div>
      </Show>
      <div class="row">
        <button
          type="button"
          class="button"
          classList={{ first: shots().length === 0 }}
          data-testid="shutter"
          disabled={!ready()}
          onClick={take}
        >
          {t().gather.take}
        </button>
        <Show when={shots().length > 0}>
          <button type="button" class="button first" data-testid="add-shots" onClick={() => done(true)}>
            {t().gather.add(count())}
          </button>
        </Show>
        <button type="button" class="button bare" onClick={() => done(false)}>
          {shots().length > 0 ? t().gather.discard : t().close}
        </button>
      </div>
    </dialog>
  )
}
