// What the chosen target would refuse, run in floats, or what nobody here knows of: said of the graph before anything runs.
import { createMemo, createResource, createSignal, For, Show, Suspense } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Finding, Linted } from '../../jobs/lint.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { cutBefore, cutsOf, quantizes, setLayer, targetsOf } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import { Alike, grouped } from './alike.tsx'
import { ProblemNote } from './problem-note.tsx'
import { Said } from './said.tsx'
import './lint-panel.css'

const inSight = 6
const levels = ['refused', 'unknown', 'float'] as const

/** A source as a link would break the promise that nothing is asked of a network, so it is text that can be copied. */
function Rule(props: { source: string }) {
  return (
    <span class="source small soft" title={props.source}>
      {props.source}
    </span>
  )
}

function Remedies(props: { finding: Finding; project: ProjectView }) {
  const { project, graphs, run } = useStudio()
  const locked = () => props.project.readOnly || run.running() !== null
  const node = () => {
    const scene = graphs.drawing.latest?.scene
    const names = [props.finding.node, ...props.finding.origin].filter(name => name !== null)
    const at = names.map(name => scene?.index.get(name)).find(index => index !== undefined)
    return at === undefined || graphs.which() !== 'original' ? null : (scene?.nodes[at].node ?? null)
  }
  /** The values that the node reads and nodes or inputs make: where the graph would end. */
  const ends = () => {
    const scene = graphs.drawing.latest?.scene
    const made = new Set(scene?.nodes.flatMap(item => (item.node?.outputs ?? []) as string[]))
    return (node()?.inputs ?? []).filter((name): name is string => name !== null && made.has(name))
  }
  return (
    <>
      <Show when={props.finding.fix}>{fix => <Said words={fix()} />}</Show>
      <Show when={props.finding.level === 'refused' && ends().length > 0}>
        <button
          type="button"
          class="link"
          disabled={locked()}
          onClick={() => void project.editRecipe(recipe => cutBefore(recipe, ends()))}
        >
          {t().lint.cutHere}
        </button>
      </Show>
      <Show when={props.finding.level === 'unknown' && node() && quantizes(props.project.recipe)}>
        <button
          type="button"
          class="link"
          disabled={locked()}
          onClick={() => void project.editRecipe(recipe => setLayer(recipe, node()!.id, 'float'))}
        >
          {t().lint.keepFloat}
        </button>
      </Show>
    </>
  )
}

/** What is said of several layers alike is said once. */
function Row(props: { alike: readonly Finding[]; project: ProjectView }) {
  const { select } = useStudio()
  const first = () => props.alike[0]
  const show = ({ node, origin }: Finding) => {
    select(origin[0] ?? node)
    document.querySelector('.graph-panel')?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <tr data-level={first().level}>
      <td>
        <Alike rows={props.alike} onSelect={show} />
      </td>
      <td>
        <span class={`level ${first().level}`}>{t().lint.level[first().level]}</span>
        <Show when={first().form}>{form => <span class="soft"> {t().lint.only(form())}</span>}</Show>
      </td>
      <td>
        <Said words={first().why} /> <Remedies finding={first()} project={props.project} />
      </td>
      <td>
        <Rule source={first().source} />
      </td>
    </tr>
  )
}

function Findings(props: { linted: Linted; project: ProjectView }) {
  const [all, setAll] = createSignal(false)
  const own = createMemo(() => props.linted.findings.filter(({ form }) => form === null))
  const count = (level: Finding['level']) => own().filter(finding => finding.level === level).length
  const groups = createMemo(() =>
    grouped(props.linted.findings, ({ level, form, op, why, fix, source }) => [level, form, op, why, fix, source]),
  )
  const shown = () => (all() ? groups() : groups().slice(0, inSight))
  const rest = () => groups().length - shown().length
  const number = (n: number) => format.whole(n, locale())
  return (
    <>
      <p class="lint-counts" data-testid="lint-counts">
        <span>{t().lint.integer(number(props.linted.integer))}</span>
        <For each={levels}>
          {level => (
            <Show when={count(level) > 0}>
              <span class={`level ${level}`}>{t().lint[level](number(count(level)))}</span>
            </Show>
          )}
        </For>
        <Show when={own().length === 0}>
          <span class="good">{t().lint.clean}</span>
        </Show>
      </p>
      <Show when={props.linted.findings.length > 0}>
        <div class="scroll-x">
          <table class="table lint-table">
            <thead>
              <tr>
                <th scope="col">{t().lint.nodes}</th>
                <th scope="col">
                  <span class="unseen">{t().lint.title}</span>
                </th>
                <th scope="col">{t().lint.says}</th>
                <th scope="col">{t().lint.rule}</th>
              </tr>
            </thead>
            <tbody>
              <For each={shown()}>{alike => <Row alike={alike} project={props.project} />}</For>
            </tbody>
          </table>
        </div>
        <Show when={rest() > 0}>
          <button type="button" class="link" onClick={() => setAll(true)}>
            {t().lint.more(number(rest()))}
          </button>
        </Show>
      </Show>
    </>
  )
}

export function LintPanel(props: { project: ProjectView }) {
  const { api, catalogue } = useStudio()
  const [chosen, setChosen] = createSignal<string | null>(null)
  const target = () => chosen() ?? targetsOf(props.project.recipe)[0] ?? catalogue()?.targets[0]?.id ?? ''
  // What lint looks at of the recipe: its cuts.
  const cuts = createMemo(() => JSON.stringify(cutsOf(props.project.recipe)))
  const [linted] = createResource(
    () => (target() ? JSON.stringify([props.project.id, target(), cuts()]) : null),
    key => {
      const [id, wanted] = JSON.parse(key) as [string, string]
      return api.lint(id, wanted)
    },
  )
  const answer = () => (linted.latest?.ok ? linted.latest.value : null)
  const problem = () => (linted.latest && !linted.latest.ok ? linted.latest.error : null)
  return (
    <section class="lint-panel" data-testid="lint" aria-busy={linted.loading}>
      <div class="row">
        <h2>{t().lint.title}</h2>
        <select
          aria-label={t().lint.target}
          data-testid="lint-target"
          value={target()}
          onChange={event => setChosen(event.currentTarget.value)}
        >
          <For each={catalogue()?.targets ?? []}>
            {known => (
              <option value={known.id} selected={known.id === target()}>
                {inWords(known.label)}
              </option>
            )}
          </For>
        </select>
        <span class="soft small">{linted.loading ? `${t().lint.looking}…` : t().lint.about}</span>
      </div>
      {/* Its own boundary: the graph below is not to wait for the answer. */}
      <Suspense>
        <Show when={problem()}>{error => <ProblemNote error={error()} />}</Show>
        <Show when={answer()}>{known => <Findings linted={known()} project={props.project} />}</Show>
      </Suspense>
    </section>
  )
}
