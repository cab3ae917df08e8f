// The same graph as a table: for those who do not see the picture, and for comparing.
import { createMemo, Show } from 'solid-js'
import type { LayerReport } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { Sqnr } from '../parts/sqnr.tsx'
import { type Column, VirtualTable } from '../parts/virtual-table.tsx'
import { useStudio } from '../state/studio.ts'
import { css, type Rgb } from './colour.ts'
import { type By, changeColours, changeSigns, colourOf, figureText, scaleOf, sqnrOf } from './colouring.ts'
import { becameText, changes, type Difference } from './difference.ts'
import { type Change, keyOf, layersByNode, type Scene, type SceneNode } from './scene.ts'

interface Row {
  at: number
  item: SceneNode
  layer: LayerReport | undefined
}

const Swatch = (props: { colour: Rgb | null; change?: Change }) => (
  <Show when={props.colour ?? props.change}>
    <span
      class="swatch"
      classList={{ change: props.change !== undefined, gone: props.change === 'removed' }}
      style={{ 'background-color': props.colour ? css(props.colour) : 'transparent' }}
      aria-hidden="true"
    />
  </Show>
)

export function GraphTable(props: {
  scene: Scene
  found: readonly number[]
  searched: boolean
  difference: Difference | null
  by: By | null
  figures: Float64Array | null // of the scene's nodes
}) {
  const studio = useStudio()
  const rows = createMemo<Row[]>(() => {
    const layers = layersByNode(props.scene, studio.layers())
    const all = props.scene.nodes.map((item, at) => ({ at, item, layer: layers.get(at) }))
    return props.searched ? props.found.map(k => all[k]) : all
  })
  const scale = createMemo(() => (props.figures && props.by ? scaleOf(props.figures, props.by) : null))
  const figureOf = (row: Row): number => props.figures?.[row.at] ?? Number.NaN
  const known = (value: number): number | null => (Number.isNaN(value) ? null : value)

  const coloured = (by: By): Column<Row> => ({
    id: 'by',
    width: 120,
    title: t().graph.by[by],
    key: row => known(figureOf(row)),
    cell: row => (
      <>
        <Swatch colour={scale() ? colourOf(figureOf(row), scale()!) : null} />
        {figureText(figureOf(row), by, locale()) || format.missing}
      </>
    ),
    figure: true,
  })
  const difference = ({ became }: Difference): Column<Row>[] => [
    {
      id: 'change',
      width: 124,
      title: t().graph.difference,
      key: row => (row.item.node && row.item.change ? changes.indexOf(row.item.change) : null),
      cell: row => (
        <Show when={row.item.node && row.item.change} fallback={format.missing}>
          {change => (
            <>
              <Swatch colour={changeColours[change()]} change={change()} />
              {changeSigns[change()]} {t().graph.change[change()]}
            </>
          )}
        </Show>
      ),
    },
    {
      id: 'became',
      width: 280,
      title: t().graph.became,
      key: row => (became.has(row.item.id) ? becameText(became.get(row.item.id)!, locale()) : null),
      cell: row => {
        const how = became.get(row.item.id)
        const text = how ? becameText(how, locale()) : ''
        return <span title={text}>{text || format.missing}</span>
      },
    },
  ]
  const own: By[] = ['macs', 'bytes', 'sqnr']
  const plain = (): Column<Row>[] => [
    {
      id: 'macs',
      width: 90,
      title: t().macs,
      key: row => row.item.node?.macs ?? null,
      cell: row => (row.item.node?.macs ? format.count(row.item.node.macs, locale()) : format.missing),
      figure: true,
    },
    {
      id: 'bytes',
      width: 90,
      title: t().graph.weights,
      key: row => row.item.node?.bytes ?? null,
      cell: row => (row.item.node?.bytes ? format.bytes(row.item.node.bytes, locale()) : format.missing),
      figure: true,
    },
    {
      id: 'sqnr',
      width: 104,
      title: t().result.soFar,
      key: row => sqnrOf(row.layer),
      cell: row => <Sqnr db={sqnrOf(row.layer)} />,
      figure: true,
    },
  ]
  const columns = (): Column<Row>[] => [
    {
      id: 'name',
      width: 180,
      title: t().graph.layer,
      key: row => row.item.name,
      cell: row => (
        <span class="mono" title={row.item.name}>
          {row.item.name}
        </span>
      ),
    },
    {
      id: 'op',
      width: 140,
      title: t().graph.operator,
      key: row => row.item.op,
      cell: row => (row.item.kind === 'node' ? row.item.op : t().graph[row.item.kind]),
    },
    ...(props.difference ? difference(props.difference) : []),
    { id: 'shape', width: 150, title: t().model.shape, key: row => row.item.detail, cell: row => row.item.detail },
    // What the colour is by stands in its own column, beside its colour.
    ...(props.difference ? [] : plain()).map(column =>
      column.id === props.by && own.includes(props.by) ? { ...coloured(props.by), id: column.id } : column,
    ),
    ...(props.by && !own.includes(props.by) ? [coloured(props.by)] : []),
  ]
  return (
    <VirtualTable
      label={t().graph.label}
      rows={rows()}
      columns={columns()}
      selected={row => props.scene.index.get(studio.selected() ?? '') === row.at}
      onSelect={row => studio.select(keyOf(row.item))}
    />
  )
}
