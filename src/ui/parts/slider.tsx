// Two pictures of one size under one edge, which is dragged.
import { createSignal, type JSX } from 'solid-js'
import { t } from '../i18n/index.ts'
import type { Pixels } from '../state/map-pixels.ts'
import { Picture } from './picture.tsx'

export function Slider(props: {
  left: Pixels
  right: Pixels
  names: readonly [string, string]
  children?: JSX.Element
}) {
  const [split, setSplit] = createSignal(50)
  const drag = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (event.buttons === 0) return
    const { left, width } = event.currentTarget.getBoundingClientRect()
    setSplit(Math.min(100, Math.max(0, ((event.clientX - left) / width) * 100)))
  }
  return (
    <figure class="slider">
      <div class="stack" onPointerDown={drag} onPointerMove={drag}>
        <Picture pixels={props.left} label={props.names[0]} />
        <div class="over" style={{ 'clip-path': `inset(0 0 0 ${split()}%)` }}>
          <Picture pixels={props.right} label={props.names[1]} />
        </div>
        <span class="edge" style={{ left: `${split()}%` }} />
      </div>
      <input
        type="range"
        min="0"
        max="100"
        step="1"
        aria-label={t().look.split}
        data-testid="split"
        value={split()}
        onInput={event => setSplit(Number(event.currentTarget.value))}
      />
      <figcaption class="row apart small soft">
        <span>◀ {props.names[0]}</span>
        <span>{props.names[1]} ▶</span>
      </figcaption>
      {props.children}
    </figure>
  )
}
