// The few icons that the page has: 16 px, one stroke, always beside a word or with a name on their button.
import { type JSX, splitProps } from 'solid-js'

const paths = {
  close: 'M4 4l8 8M12 4l-8 8',
  up: 'M4 10l4-4 4 4',
  down: 'M4 6l4 4 4-4',
  left: 'M10 4l-4 4 4 4',
  right: 'M6 4l4 4-4 4',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  actual: 'M3 6l2-1.5V12M8 7v.5M8 10.5v.5M10.5 6l2-1.5V12',
  target: 'M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3',
  fold: 'M5 2l3 3 3-3M3 8h10M5 14l3-3 3 3',
  unfold: 'M5 5l3-3 3 3M3 8h10M5 11l3 3 3-3',
  fit: 'M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3',
  save: 'M8 2v8M4.5 7L8 10.5 11.5 7M3 13.5h10',
  folder: 'M2 4h4l1.5 2H14v7H2z',
  play: 'M5 3l8 5-8 5z',
  stop: 'M4 4h8v8H4z',
  pencil: 'M3 13l.7-3L11 2.7l2.3 2.3L6 12.3z',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.5 10.5L14 14',
  copy: 'M6 6h7v7H6zM3 10V3h7',
  undo: 'M6 3L3 6l3 3M3 6h6.5a3.5 3.5 0 0 1 0 7H6',
  redo: 'M10 3l3 3-3 3M13 6H6.5a3.5 3.5 0 0 0 0 7H10',
} as const
export type IconName = keyof typeof paths

export function Icon(props: { name: IconName } & JSX.SvgSVGAttributes<SVGSVGElement>) {
  const [own, rest] = splitProps(props, ['name'])
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      {...rest}
    >
      <path d={paths[own.name]} />
    </svg>
  )
}

/** The mark: a thimble seen from the side. */
export const Mark = () => (
  <svg width="18" height="22" viewBox="146 96 220 328" aria-hidden="true">
    <path d="M160 372 190 168a66 66 0 0 1 132 0l30 204z" fill="var(--ink)" />
    <path d="M148 372h216v28a20 20 0 0 1-20 20H168a20 20 0 0 1-20-20z" fill="var(--accent)" />
    <g fill="var(--raised)">
      <circle cx="230" cy="190" r="17" />
      <circle cx="284" cy="190" r="17" />
      <circle cx="206" cy="254" r="17" />
      <circle cx="257" cy="254" r="17" />
      <circle cx="308" cy="254" r="17" />
      <circle cx="200" cy="318" r="17" />
      <circle cx="257" cy="318" r="17" />
      <circle cx="314" cy="318" r="17" />
    </g>
  </svg>
)
