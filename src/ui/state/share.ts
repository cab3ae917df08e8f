// A recipe as a link: it stands in the fragment, which browsers keep to themselves, so that nothing is sent by making or opening one.
import { createEffect, createSignal, on, onCleanup } from 'solid-js'
import type { StudioApi } from '../../../workers/api.ts'
import type { Recipe } from '../../recipe/types.ts'
import { t } from '../i18n/index.ts'
import { type Address, formatAddress, isRecipeLink, recipeHead } from './place.ts'
import type { ProjectState } from './project.ts'

// Recipes are some hundred bytes; what unfolds to more than this is none.
const mostBytes = 1 << 20

const through = (bytes: Uint8Array, by: CompressionStream | DecompressionStream): ReadableStream<Uint8Array> =>
  new Blob([bytes as BlobPart]).stream().pipeThrough(by as ReadableWritablePair<Uint8Array, BufferSource>)

async function gathered(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const reader = stream.getReader()
  let size = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length
    if (size > mostBytes) {
      await reader.cancel()
      throw new RangeError('more than a recipe')
    }
    parts.push(part.value)
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

/** The fragment that holds a recipe: JSON, deflated, in base64url (RFC 4648, section 5). */
export async function recipeFragment(recipe: Recipe): Promise<string> {
  const bytes = await gathered(
    through(new TextEncoder().encode(JSON.stringify(recipe)), new CompressionStream('deflate-raw')),
  )
  const base64 = btoa(String.fromCharCode(...bytes))
  return recipeHead + base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** What a fragment holds; it throws where that is no JSON. Whether it is a recipe is for the worker to say. */
export async function readFragment(fragment: string): Promise<unknown> {
  const base64 = fragment.slice(recipeHead.length).replaceAll('-', '+').replaceAll('_', '/')
  const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0))
  return JSON.parse(new TextDecoder().decode(await gathered(through(bytes, new DecompressionStream('deflate-raw')))))
}

export function createShared(api: StudioApi, project: ProjectState, address: () => Address) {
  const [offered, setOffered] = createSignal<Recipe | null>(null)
  const [waiting, setWaiting] = createSignal<Recipe | null>(null)

  const refuse = (): void => {
    project.setError({ code: 'malformed', message: t().share.broken, where: {}, hint: t().share.brokenHint })
  }

  async function follow(): Promise<void> {
    const { hash } = location
    if (!isRecipeLink(hash)) return
    // The address says again where one is; the recipe is held here.
    history.replaceState(null, '', formatAddress(address()))
    let read: unknown
    try {
      read = await readFragment(hash)
    } catch {
      refuse()
      return
    }
    const checked = await api.checkRecipe(read)
    if (checked.ok) setOffered(checked.value)
    else project.setError({ ...checked.error, message: `${t().share.invalid} ${checked.error.message}` })
  }
  void follow()
  window.addEventListener('hashchange', follow)
  onCleanup(() => window.removeEventListener('hashchange', follow))

  // What was kept for the next model is used on it, once it is there.
  createEffect(
    on(
      () => project.view()?.id,
      id => {
        const recipe = waiting()
        if (!id || !recipe || project.view()!.readOnly) return
        setWaiting(null)
        void project.setRecipe(recipe)
      },
    ),
  )

  return {
    offered,
    waiting,
    dismiss: () => setOffered(null),
    forget: () => setWaiting(null),
    keep(): void {
      setWaiting(offered())
      setOffered(null)
    },
    async use(): Promise<void> {
      const recipe = offered()
      setOffered(null)
      if (recipe) await project.setRecipe(recipe)
    },
    link: async (recipe: Recipe): Promise<string> =>
      `${location.origin}${location.pathname}${await recipeFragment(recipe)}`,
  }
}
