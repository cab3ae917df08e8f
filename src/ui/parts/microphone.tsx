// Seconds from the microphone, cut into samples as long as the model takes them.
import { createSignal, onCleanup, onMount, Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { deviceProblem } from '../state/device-problem.ts'
import { type Recording, record } from '../state/microphone.ts'
import { ChoiceField } from './field.tsx'
import { Icon } from './icon.tsx'
import { ProgressBar } from './progress-bar.tsx'
import './camera.css'

const rates = ['8000', '16000', '22050', '44100', '48000'] as const

export function Microphone(props: { length: number; onDone: (values: Float32Array | null) => void }) {
  const [rate, setRate] = createSignal<(typeof rates)[number]>('16000')
  const [state, setState] = createSignal<'idle' | 'recording' | 'stopped'>('idle')
  const [count, setCount] = createSignal(0)
  const [level, setLevel] = createSignal(0)
  const [problem, setProblem] = createSignal<string | null>(null)
  let dialog!: HTMLDialogElement
  let recording: Recording | null = null
  let closed = false

  onMount(() => dialog.showModal())
  const stop = async (): Promise<void> => {
    await recording?.stop()
    setState(now => (now === 'recording' ? 'stopped' : now))
  }
  onCleanup(() => void stop())
  const start = async (): Promise<void> => {
    setProblem(null)
    setCount(0)
    try {
      if (!navigator.mediaDevices) throw new TypeError(t().gather.missing)
      setState('recording')
      recording = await record(Number(rate()), (all, loudest) => {
        setCount(all)
        setLevel(loudest)
      })
      if (closed) await stop()
    } catch (error) {
      setState('idle')
      setProblem(deviceProblem(error, t().gather))
    }
  }
  const samples = () => Math.floor(count() / props.length)
  const seconds = (values: number) => format.decimal(values / Number(rate()), 1, locale())
  const done = async (keep: boolean): Promise<void> => {
    if (closed) return
    closed = true
    await stop()
    const values = recording?.values() ?? new Float32Array(0)
    props.onDone(keep && samples() > 0 ? values.subarray(0, samples() * props.length) : null)
  }
  return (
    <dialog ref={dialog} class="camera" aria-label={t().gather.soundTitle} onClose={() => void done(true)}>
      <div>
        <h2>{t().gather.soundTitle}</h2>
        <p class="soft">{t().gather.soundAbout(format.whole(props.length, locale()), seconds(props.length))}</p>
      </div>
      <Show when={problem()}>{words => <p class="note bad-note">{words()}</p>}</Show>
      <div class="fields">
        <ChoiceField
          name={t().gather.rate}
          value={rate()}
          choices={rates}
          label={value => `${format.whole(Number(value), locale())} Hz`}
          disabled={state() !== 'idle'}
          onChange={setRate}
        />
      </div>
      <div>
        <p role="status" data-testid="recorded">
          {t().gather.recorded(seconds(count()), samples())}
        </p>
        <ProgressBar
          label={t().gather.level}
          done={state() === 'recording' ? Math.round(level() * 100) : 0}
          total={100}
        />
      </div>
      <div class="row">
        <Show when={state() === 'idle'}>
          <button type="button" class="button first" data-testid="record" onClick={() => void start()}>
            {t().gather.record}
          </button>
        </Show>
        <Show when={state() === 'recording'}>
          <button type="button" class="button" data-testid="stop-recording" onClick={() => void stop()}>
            <Icon name="stop" />
            {t().run.stop}
          </button>
        </Show>
        <Show when={samples() > 0}>
          <button type="button" class="button first" data-testid="add-sound" onClick={() => void done(true)}>
            {t().gather.add(format.whole(samples(), locale()))}
          </button>
        </Show>
        <button type="button" class="button bare" onClick={() => void done(false)}>
          {count() > 0 ? t().gather.discard : t().close}
        </button>
      </div>
    </dialog>
  )
}
