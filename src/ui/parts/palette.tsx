// The palette: all commands and all layers by name, from the keyboard.
import { createEffect, createMemo, createSignal, For, Show } from 'solid-js'
import { type Command, commands } from '../commands.ts'
import { keyOf, search } from '../graph/scene.ts'
import { t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'
import './palette.css'

const most = 12

export function Palette() {
  const studio = useStudio()
  const [query, setQuery] = createSignal('')
  const [at, setAt] = createSignal(0)
  let dialog!: HTMLDialogElement

  const found = createMemo<Command[]>(() => {
    if (!studio.paletteOpen()) return []
    const words = query().toLowerCase().split(/\s+/).filter(Boolean)
    const listed = commands(studio).filter(
      command =>
        command.id !== 'palette' &&
        (command.when?.() ?? true) &&
        words.every(word => command.title.toLowerCase().includes(word)),
    )
    const scene = studio.graphs.drawing.latest?.scene
    const layers = scene
      ? search(scene, query())
          .slice(0, most)
          .map(k => ({
            id: `layer-${k}`,
            title: `${scene.nodes[k].op} ${scene.nodes[k].name}`,
            run: () => {
              studio.show('model')
              studio.select(keyOf(scene.nodes[k]))
            },
          }))
      : []
    return [...listed, ...layers].slice(0, words.length === 0 ? 40 : most + 8)
  })
  createEffect(() => {
    if (studio.paletteOpen() && !dialog.open) {
      setQuery('')
      setAt(0)
      dialog.showModal()
    }
    if (!studio.paletteOpen() && dialog.open) dialog.close()
  })
  const choose = (command: Command | undefined) => {
    if (!command) return
    studio.setPaletteOpen(false)
    command.run()
  }
  const key = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    const count = found().length
    if (event.key === 'Enter') choose(found()[at()])
    else if (step !== 0 && count > 0) setAt((at() + step + count) % count)
    else return
    event.preventDefault()
    document.getElementById(`palette-${at()}`)?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <dialog
      ref={element => {
        dialog = element
        // A click beside it closes it.
        element.setAttribute('closedby', 'any')
      }}
      class="palette"
      aria-label={t().command.palette}
      onClose={() => studio.setPaletteOpen(false)}
    >
      <Show when={studio.paletteOpen()}>
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={found().length > 0 ? `palette-${at()}` : undefined}
          aria-label={t().command.placeholder}
          placeholder={t().command.placeholder}
          value={query()}
          onInput={event => {
            setQuery(event.currentTarget.value)
            setAt(0)
          }}
          onKeyDown={key}
        />
        <div id="palette-list" role="listbox" aria-label={t().command.palette}>
          <For each={found()}>
            {(command, k) => (
              <div
                id={`palette-${k()}`}
                role="option"
                tabIndex={-1}
                aria-selected={k() === at()}
                onClick={() => choose(command)}
                onKeyDown={key}
              >
                <span>{command.title}</span>
                <Show when={command.key}>
                  {name => <kbd>{name().replace('ctrl+', 'Ctrl ').replace('shift+', 'Shift ').toUpperCase()}</kbd>}
                </Show>
              </div>
            )}
          </For>
        </div>
        <Show when={found().length === 0}>
          <p class="soft">{t().command.none}</p>
        </Show>
      </Show>
    </dialog>
  )
}
