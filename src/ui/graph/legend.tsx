// What the colours of the graph mean: a ramp between two figures, the values that there are, or the changes with their counts.
import { For, type JSX, Show } from 'solid-js'
import { whole } from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { Term } from '../parts/term.tsx'
import type { Drawing } from '../state/graphs.ts'
import { css } from './colour.ts'
import { type Colours, changeColours, changeSigns, colourOf, figureText } from './colouring.ts'
import { changes } from './difference.ts'
import type { Change } from './scene.ts'

/** Figures that take few values are shown one by one. */
const values = ({ figures }: Colours): number[] =>
  [...new Set(figures)].filter(value => !Number.isNaN(value)).sort((a, b) => a - b)

function Scale(props: { colours: Colours }) {
  const text = (value: number) => figureText(value, props.colours.by, locale())
  // The ends of a fixed scale are round figures.
  const end = (value: number) => (props.colours.by === 'sqnr' ? `${value}\u00a0dB` : text(value))
  return (
    <Show
      when={props.colours.by === 'bits'}
      fallback={
        <>
          <span>{end(props.colours.scale.low)}</span>
          <span class="ramp" aria-hidden="true" />
          <span>{end(props.colours.scale.high)}</span>
          <Show when={props.colours.scale.log}>
            <span class="soft">{t().graph.log}</span>
          </Show>
        </>
      }
    >
      <For each={values(props.colours)}>
        {value => (
          <span class="key">
            <span
              class="swatch"
              style={{ 'background-color': css(colourOf(value, props.colours.scale)!) }}
              aria-hidden="true"
            />
            {text(value)}
          </span>
        )}
      </For>
    </Show>
  )
}

const swatchOf = (change: Change): string => {
  const colour = changeColours[change]
  return colour ? css(colour) : 'transparent'
}

export function Legend(props: { drawing: Drawing; colours: Colours | null; picker: JSX.Element }) {
  const difference = () => props.drawing.difference
  return (
    <div class="legend" data-testid="graph-legend">
      <Show
        when={difference()}
        fallback={
          <>
            {props.picker}
            <Show when={props.colours}>
              {colours => (
                <>
                  <Show when={colours().by === 'sqnr'}>
                    <Term of="sqnr">{t().graph.legend}</Term>
                  </Show>
                  <Scale colours={colours()} />
                </>
              )}
            </Show>
          </>
        }
      >
        {known => (
          <For each={changes}>
            {change => (
              <span class="key" data-testid={`count-${change}`}>
                <span
                  class="swatch change"
                  classList={{ gone: change === 'removed' }}
                  style={{ 'background-color': swatchOf(change) }}
                  aria-hidden="true"
                />
                {changeSigns[change]} {t().graph.change[change]} {whole(known().counts[change], locale())}
              </span>
            )}
          </For>
        )}
      </Show>
    </div>
  )
}
