// What a project is known by at a glance: its first sample, or how the work is spread over its layers.
import { For, Match, Switch } from 'solid-js'
import type { Thumbnail as Drawing } from '../../../workers/api.ts'
import { Picture } from './picture.tsx'
import './thumbnail.css'

const [width, height] = [40, 40]

export function Thumbnail(props: { of: Drawing }) {
  const picture = () => ('picture' in props.of ? props.of.picture : null)
  const bars = () => ('bars' in props.of ? props.of.bars : [])
  const step = () => (width - 8) / Math.max(1, bars().length)
  return (
    <span class="thumbnail" aria-hidden="true">
      <Switch>
        <Match when={picture()}>{pixels => <Picture pixels={pixels()} label="" />}</Match>
        <Match when={bars().length > 0}>
          <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
            <For each={bars()}>
              {(share, k) => {
                const tall = () => Math.max(1.5, share * (height - 10))
                const wide = () => Math.max(1, Math.min(6, step() - 1))
                return <rect x={4 + k() * step()} y={height - 5 - tall()} width={wide()} height={tall()} />
              }}
            </For>
          </svg>
        </Match>
      </Switch>
    </span>
  )
}
