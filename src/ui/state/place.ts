// Where the person is: `#/<project>/<place>`, so that back, forward and reload work. Places are not gates: any may be opened.
import { createSignal, onCleanup } from 'solid-js'

export const places = ['model', 'data', 'recipe', 'run', 'result', 'compare', 'export'] as const
export type Place = (typeof places)[number]

export interface Address {
  project: string | null
  place: Place
}

export function parseAddress(hash: string): Address {
  const [project, place] = hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent)
  return { project: project || null, place: places.find(known => known === place) ?? 'model' }
}

export const formatAddress = ({ project, place }: Address): string =>
  project === null ? '#/' : `#/${encodeURIComponent(project)}/${place}`

export function createAddress() {
  const [address, setAddress] = createSignal(parseAddress(location.hash), {
    equals: (a, b) => a.project === b.project && a.place === b.place,
  })
  const follow = () => setAddress(parseAddress(location.hash))
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
