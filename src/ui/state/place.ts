// Where the person is: `#/<project>/<place>`, so that back, forward and reload work. Places are not gates: any may be opened.
import { createSignal, onCleanup } from 'solid-js'

export const places = ['model', 'data', 'recipe', 'run', 'result', 'compare', 'export'] as const
export type Place = (typeof places)[number]

export interface Address {
  project: string | null
  place: Place
}

/** How a fragment begins that holds a recipe, and no address. */
export const recipeHead = '#recipe='
export const isRecipeLink = (hash: string): boolean => hash.startsWith(recipeHead)

export function parseAddress(hash: string): Address {
  if (isRecipeLink(hash)) return { project: null, place: 'model' }
  const [project, place] = hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent)
  return { project: project || null, place: places.find(known => known === place) ?? 'model' }
}

export const formatAddress = ({ project, place }: Address): string =>
  project === null ? '#/' : `#/${encodeURIComponent(project)}/${place}`

export function createAddress() {
  const [address, setAddress] = createSignal(parseAddress(location.hash), {
    equals: (a, b) => a.project === b.project && a.place === b.place,
  })
  // A link with a recipe leads nowhere: what is open stays.
  const follow = () => isRecipeLink(location.hash) || setAddress(parseAddress(location.hash))
  window.addEventListener('hashchange', follow)
  onCleanup(() => window.removeEventListener('hashchange', follow))
  return {
    address,
    go(next: Address): void {
      setAddress(next)
      if (location.hash !== formatAddress(next)) location.hash = formatAddress(next)
    },
  }
}
