// One tab owns a project. The lock lives as long as its worker, so that a tab that dies lets go by itself.
const nameOf = (project: string): string => `thimble:project:${project}`

const held = new Map<string, () => void>()

/** Takes the project for this tab; false if another tab has it. */
export function own(project: string): Promise<boolean> {
  if (held.has(project)) return Promise.resolve(true)
  return new Promise((answer, failed) => {
    navigator.locks
      .request(nameOf(project), { ifAvailable: true }, lock => {
        if (!lock) {
          answer(false)
          return
        }
        return new Promise<void>(release => {
          held.set(project, release)
          answer(true)
        })
      })
      .catch(failed)
  })
}

export function disown(project: string): void {
  held.get(project)?.()
  held.delete(project)
}

export const owns = (project: string): boolean => held.has(project)

/** Projects that other tabs own. */
export async function ownedElsewhere(): Promise<Set<string>> {
  const { held: all = [] } = await navigator.locks.query()
  const prefix = nameOf('')
  const names = all.map(lock => lock.name ?? '').filter(name => name.startsWith(prefix))
  return new Set(names.map(name => name.slice(prefix.length)).filter(id => !held.has(id)))
}

/** Marks the time of `work` as busy: the service worker takes no update meanwhile, whichever tab asks for it. */
export const whileRunning = <T>(work: () => Promise<T>): Promise<T> =>
  navigator.locks.request('thimble:running', { mode: 'shared' }, work) as Promise<T>
