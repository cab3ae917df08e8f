// Every action of the page in one list, which feeds the shortcuts and the palette.
import type { Catalogue } from '../../workers/api.ts'
import type { Locale } from './format.ts'
import { inWords, languages, setLanguage, t } from './i18n/index.ts'
import { commandLine } from './state/command-line.ts'
import { places } from './state/place.ts'
import { jsonBlob, save } from './state/save.ts'
import { setTheme, themes } from './state/settings.ts'
import type { Studio } from './state/studio.ts'

export interface Command {
  id: string
  title: string
  key?: string // as in KeyboardEvent.key, with 'ctrl+' or 'ctrl+shift+' before it where that is meant
  when?: () => boolean
  run: () => void
}

export const presetName = (id: string, catalogue: Catalogue | undefined): string =>
  t().presetLabel[id] ?? inWords(catalogue?.presets.find(preset => preset.id === id)?.label ?? id)

export function commands(studio: Studio): Command[] {
  const { project, run } = studio
  const open = () => project.view() !== null
  const editable = () => open() && !project.view()!.readOnly && run.running() === null
  return [
    { id: 'palette', title: t().command.palette, key: 'ctrl+k', run: () => studio.setPaletteOpen(true) },
    ...places.map((place, k) => ({
      id: `place-${place}`,
      title: t().command.goTo(t().place[place]),
      key: String(k + 1),
      when: open,
      run: () => studio.show(place),
    })),
    { id: 'run', title: t().command.run, key: 'r', when: editable, run: () => void studio.start() },
    {
      id: 'undo',
      title: t().command.undo,
      key: 'ctrl+z',
      when: () => editable() && project.view()!.undo > 0,
      run: () => void project.undoRecipe(),
    },
    {
      id: 'redo',
      title: t().command.redo,
      key: 'ctrl+shift+z',
      when: () => editable() && project.view()!.redo > 0,
      run: () => void project.redoRecipe(),
    },
    { id: 'stop', title: t().command.stop, key: 's', when: () => run.running() !== null, run: () => void run.stop() },
    {
      id: 'search',
      title: t().command.search,
      key: '/',
      when: open,
      run: () => {
        if (studio.address().place !== 'result') studio.show('model')
        requestAnimationFrame(() => document.getElementById('graph-search')?.focus())
      },
    },
    { id: 'home', title: t().command.home, key: 'h', when: open, run: studio.home },
    {
      id: 'save-recipe',
      title: t().command.saveRecipe,
      when: open,
      run: () => void save('recipe.json', async () => jsonBlob(project.view()!.recipe)),
    },
    {
      id: 'copy-link',
      title: t().share.copyLink,
      when: open,
      run: () => void copy(studio, () => studio.share.link(project.view()!.recipe)),
    },
    {
      id: 'copy-command',
      title: t().share.copyCommand,
      when: open,
      run: () => void copy(studio, async () => commandLine(project.view()!, project.view()!.recipe).text),
    },
    {
      id: 'save-report',
      title: t().command.saveReport,
      when: () => open() && studio.report() !== null,
      run: () => void save('report.json', async () => jsonBlob(studio.report())),
    },
    ...(studio.catalogue()?.presets ?? []).map(preset => ({
      id: `preset-${preset.id}`,
      title: t().command.preset(presetName(preset.id, studio.catalogue())),
      when: editable,
      run: () => void project.setRecipe(preset.recipe),
    })),
    { id: 'tour', title: t().tour.again, run: () => studio.tour.again() },
    ...themes.map(theme => ({
      id: `theme-${theme}`,
      title: t().command.theme(t().theme[theme]),
      run: () => setTheme(theme),
    })),
    ...Object.entries(languages).map(([code, name]) => ({
      id: `language-${code}`,
      title: t().command.language(name),
      run: () => void setLanguage(code as Locale),
    })),
  ]
}

/** Copied at once where the browser allows it; else shown, to be copied by hand. */
async function copy(studio: Studio, text: () => Promise<string>): Promise<void> {
  try {
    await navigator.clipboard.writeText(await text())
  } catch {
    studio.setSharing(true)
  }
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('input:not([type="radio"], [type="checkbox"]), textarea, select')

/** Where the browser's own undo takes back what was typed. */
const writing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.matches('input:not([type="radio"], [type="checkbox"], [type="range"]), textarea')

/** The command that a key press means, if any; letters mean nothing while someone types. */
export function commandFor(event: KeyboardEvent, list: readonly Command[]): Command | undefined {
  const control = event.ctrlKey || event.metaKey
  if (event.altKey || event.defaultPrevented || (!control && typing(event.target))) return undefined
  const letter = event.key.toLowerCase()
  if (control && letter === 'z' && writing(event.target)) return undefined
  const key = `${control ? 'ctrl+' : ''}${control && event.shiftKey ? 'shift+' : ''}${letter}`
  return list.find(command => command.key === key && (command.when?.() ?? true))
}
