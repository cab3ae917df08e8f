// What a board gave, layer by layer, beside what it should have given; the first that differs is named, and marked in the graph.
import { createMemo, Show } from 'solid-js'
import type { BundleReport } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { DumpShown } from '../state/dumps.ts'
import { useStudio } from '../state/studio.ts'
import { FileButton } from './file-button.tsx'
import { Icon } from './icon.tsx'
import { Sqnr } from './sqnr.tsx'
import { type Column, VirtualTable } from './virtual-table.tsx'
import './dump-view.css'

type Row = DumpShown['layers'][number]

function Layers(props: { dump: DumpShown }) {
  const studio = useStudio()
  const columns = (): Column<Row & { place: number }>[] => [
    {
      id: 'name',
      width: 200,
      title: t().dump.value,
      key: row => row.name,
      cell: row => (
        <span class="mono" classList={{ bad: row.name === props.dump.firstDifference }} title={row.name}>
          {row.name}
        </span>
      ),
    },
    { id: 'place', width: 72, title: t().dump.place, key: row => row.place, cell: row => row.place, figure: true },
    {
      id: 'sqnr',
      width: 120,
      title: t().chart.sqnr,
      key: row => row.sqnrDb,
      cell: row => (row.equal ? t().dump.equal : <Sqnr db={row.sqnrDb} />),
      figure: true,
    },
    {
      id: 'most',
      width: 120,
      title: t().dump.most,
      key: row => row.maxAbs,
      cell: row => (Number.isFinite(row.maxAbs) ? format.decimal(row.maxAbs, 5, locale()) : t().dump.otherSize),
      figure: true,
    },
  ]
  const rows = createMemo(() => props.dump.layers.map((row, k) => ({ ...row, place: k + 1 })))
  const show = (name: string) => {
    studio.showValue(name)
    studio.show('model')
  }
  return (
    <VirtualTable
      label={t().dump.title}
      rows={rows()}
      columns={columns()}
      selected={row => row.name === props.dump.firstDifference}
      onSelect={row => show(row.name)}
    />
  )
}

export function DumpView(props: { bundle: BundleReport }) {
  const studio = useStudio()
  const { dumps } = studio
  const dump = () => {
    const known = dumps.dump()
    return known?.dir === props.bundle.dir ? known : null
  }
  const golden = () => props.bundle.files.some(({ path }) => path === 'golden/layers.npz')
  return (
    <Show when={golden()}>
      <details class="dump" data-role="dump" data-dir={props.bundle.dir} data-testid="dump" open={dump() !== null}>
        <summary>{t().dump.title}</summary>
        <div class="section">
          <p class="soft">{t().dump.about}</p>
          <div class="row">
            <FileButton
              testid="pick-dump"
              accept=".npz,.txt,.log,.dump"
              onFiles={([given]) => given && void dumps.read(props.bundle.dir, given.file)}
            >
              <Icon name="folder" />
              {t().dump.choose}
            </FileButton>
            <span class="soft small">{t().dump.orDrop}</span>
          </div>
          <Show when={dump()}>
            {known => (
              <>
                <p role="status" data-testid="dump-verdict">
                  <Show
                    when={known().firstDifference}
                    fallback={
                      <span class={known().layers.length > 0 ? 'good' : 'warn'}>
                        {known().layers.length > 0
                          ? t().dump.agrees(format.whole(known().layers.length, locale()))
                          : t().dump.nothingKnown}
                      </span>
                    }
                  >
                    {name => (
                      <>
                        <strong class="bad">{t().dump.differs}</strong>{' '}
                        <button
                          type="button"
                          class="link mono"
                          onClick={() => {
                            studio.showValue(name())
                            studio.show('model')
                          }}
                        >
                          {name()}
                        </button>
                      </>
                    )}
                  </Show>{' '}
                  <span class="soft">{known().file}</span>
                </p>
                <Show when={known().unknown.length > 0}>
                  <p class="note warn-note">
                    {t().dump.unknown} <span class="mono">{known().unknown.slice(0, 12).join(', ')}</span>
                    {known().unknown.length > 12 ? ` + ${known().unknown.length - 12}` : ''}
                  </p>
                </Show>
                <Show when={known().layers.length > 0}>
                  <Layers dump={known()} />
                </Show>
              </>
            )}
          </Show>
        </div>
      </details>
    </Show>
  )
}
