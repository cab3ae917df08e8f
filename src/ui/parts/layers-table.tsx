// The layers of the quantised model, worst on top. Its selection is the graph's; those with their box ticked are set together.
import { createMemo, createSignal, Show } from 'solid-js'
import type { LayerReport } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { byName } from '../state/by-name.ts'
import { layerSetting, quantizes } from '../state/recipe-edit.ts'
import { createSpeed, timesOf } from '../state/speed.ts'
import { useStudio } from '../state/studio.ts'
import { LayersActions } from './layers-actions.tsx'
import { Said } from './said.tsx'
import { Sqnr } from './sqnr.tsx'
import { type Column, VirtualTable } from './virtual-table.tsx'

export function LayersTable(props: { layers: readonly LayerReport[] }) {
  const studio = useStudio()
  const [picked, setPicked] = createSignal<ReadonlySet<string>>(new Set())
  const chosen = () => props.layers.flatMap(({ node }) => (picked().has(node) ? [node] : []))
  const recipe = () => studio.project.view()!.recipe
  const settable = () => quantizes(recipe()) && !studio.project.view()!.readOnly
  const node = (name: string) => studio.graphs.drawing.latest?.scene.index.get(name)
  /** As the layer's own page calls it in the recipe: by the node that it was imported as. */
  const selectorOf = (name: string): string =>
    studio.graphs.drawing.latest?.scene.nodes[node(name) ?? -1]?.node?.origin[0] ?? name
  const drawn = ({ node: name }: LayerReport) => studio.graphs.drawing.latest?.scene.nodes[node(name) ?? -1]?.node
  const speed = createSpeed()
  const times = createMemo(() => timesOf(speed(), false))
  const whole = createMemo(() => [...times().values()].reduce((sum, ms) => sum + ms, 0))
  /** Of what all layers take, each alone, in percent. */
  const share = (row: LayerReport): number | undefined => {
    const ms = byName(times(), row.node, drawn(row)?.origin ?? [])
    return ms === undefined ? undefined : (100 * ms) / whole()
  }
  /** A figure that not every layer has. */
  const amount = (
    id: string,
    title: string,
    of: (row: LayerReport) => number | undefined,
    words: (value: number) => string,
  ): Column<LayerReport> => ({
    id,
    width: 88,
    title,
    key: row => of(row) ?? null,
    cell: row => {
      const value = of(row)
      return value === undefined ? format.missing : words(value)
    },
    figure: true,
  })
  const inRecipe = ({ node: name }: LayerReport): string => {
    const fields = quantizes(recipe()) ? layerSetting(recipe(), selectorOf(name)) : undefined
    if (fields?.float === true) return t().layer.float
    return Object.values(fields ?? {})
      .map(value => inWords(String(value)))
      .join(', ')
  }
  const pick = (rows: readonly LayerReport[], on: boolean) =>
    setPicked(before => {
      const next = new Set(before)
      for (const row of rows) {
        if (on) next.add(row.node)
        else next.delete(row.node)
      }
      return next
    })
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
      amount(
        'bytes',
        words.bytes,
        row => drawn(row)?.bytes,
        bytes => format.bytes(bytes, locale()),
      ),
      amount(
        'macs',
        words.macs,
        row => drawn(row)?.macs,
        macs => format.count(macs, locale()),
      ),
      amount('time', words.timeShare, share, percent => format.percent(percent, 1, locale())),
      {
        id: 'recipe',
        width: 110,
        title: t().layer.inRecipe,
        key: row => inRecipe(row) || null,
        cell: row => inRecipe(row) || format.missing,
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
  return (
    <>
      <Show when={chosen().length > 0}>
        <LayersActions selectors={chosen().map(selectorOf)} onNone={() => setPicked(new Set<string>())} />
      </Show>
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
        picking={
          settable()
            ? {
                all: t().layer.pickAll,
                name: row => t().layer.pick(row.node),
                picked: row => picked().has(row.node),
                onPick: pick,
              }
            : undefined
        }
      />
    </>
  )
}
