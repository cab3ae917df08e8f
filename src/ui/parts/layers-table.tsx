// The layers of the quantised model, worst on top. Its selection is the graph's.
import type { LayerReport } from '../../jobs/report.ts'
import { inWords, t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'
import { Said } from './said.tsx'
import { Sqnr } from './sqnr.tsx'
import { type Column, VirtualTable } from './virtual-table.tsx'

export function LayersTable(props: { layers: readonly LayerReport[] }) {
  const studio = useStudio()
  const columns = (): Column<LayerReport>[] => {
    const words = t().result
    return [
      {
        id: 'node',
        width: 172,
        title: words.node,
        key: row => row.node,
        cell: row => (
          <span class="mono" title={row.node}>
            {row.node}
          </span>
        ),
      },
      {
        id: 'far',
        width: 104,
        title: words.soFar,
        key: row => row.cumulativeSqnrDb,
        cell: row => <Sqnr db={row.cumulativeSqnrDb} />,
        figure: true,
      },
      {
        id: 'local',
        width: 104,
        title: words.local,
        key: row => row.sqnrDb,
        cell: row => <Sqnr db={row.sqnrDb} />,
        figure: true,
      },
      {
        id: 'weight',
        width: 90,
        title: words.weight,
        key: row => row.weightSqnrDb,
        cell: row => <Sqnr db={row.weightSqnrDb} />,
        figure: true,
      },
      {
        id: 'activation',
        width: 96,
        title: words.activation,
        key: row => row.activationSqnrDb,
        cell: row => <Sqnr db={row.activationSqnrDb} />,
        figure: true,
      },
      { id: 'op', width: 76, title: words.operator, key: row => row.op, cell: row => row.op },
      {
        id: 'bits',
        width: 80,
        title: words.bits,
        key: row => row.weightBits ?? row.activationBits,
        cell: row => `${row.weightBits ?? '–'}/${row.activationBits ?? '–'}`,
        figure: true,
      },
      {
        id: 'scheme',
        width: 330,
        title: words.scheme,
        key: row => row.scheme,
        cell: row => (
          <span class="soft" title={inWords(row.scheme)}>
            <Said words={row.scheme} />
          </span>
        ),
      },
    ]
  }
  const node = (name: string) => studio.graphs.drawing.latest?.scene.index.get(name)
  return (
    <VirtualTable
      label={t().result.layers}
      rows={props.layers}
      columns={columns()}
      sorting={{ column: 'far', down: false }}
      selected={row => {
        const chosen = studio.selected()
        return chosen !== null && (row.node === chosen || (node(row.node) ?? -1) === (node(chosen) ?? -2))
      }}
      onSelect={row => studio.select(row.node)}
    />
  )
}
