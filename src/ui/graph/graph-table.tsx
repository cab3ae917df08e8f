// The same graph as a table: for those who do not see the picture, and for comparing.
import { createMemo } from 'solid-js'
import type { LayerReport } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { Sqnr } from '../parts/sqnr.tsx'
import { type Column, VirtualTable } from '../parts/virtual-table.tsx'
import { useStudio } from '../state/studio.ts'
import { sqnrOf } from './draw.ts'
import { keyOf, layersByNode, type Scene, type SceneNode } from './scene.ts'

interface Row {
  item: SceneNode
  layer: LayerReport | undefined
}

export function GraphTable(props: { scene: Scene; found: readonly number[] }) {
  const studio = useStudio()
  const rows = createMemo<Row[]>(() => {
    const layers = layersByNode(props.scene, studio.layers())
    const all = props.scene.nodes.map((item, k) => ({ item, layer: layers.get(k) }))
    return props.found.length > 0 ? props.found.map(k => all[k]) : all
  })
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
    { id: 'shape', width: 150, title: t().model.shape, key: row => row.item.detail, cell: row => row.item.detail },
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
  return (
    <VirtualTable
      label={t().graph.label}
      rows={rows()}
      columns={columns()}
      selected={row => props.scene.index.get(studio.selected() ?? '') === props.scene.index.get(keyOf(row.item))}
      onSelect={row => studio.select(keyOf(row.item))}
    />
  )
}
