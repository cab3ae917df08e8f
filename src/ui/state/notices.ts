// A word from the system when long work ends out of sight. The browser is asked for it at a click, never by itself.
import { createSignal } from 'solid-js'

const key = 'thimble.notify'

export type Notices = 'on' | 'off' | 'blocked' | 'missing'

export function createNotices(registration: Promise<ServiceWorkerRegistration | null>) {
  const allowed = () => 'Notification' in window && Notification.permission === 'granted'
  const first = (): Notices => {
    if (!('Notification' in window)) return 'missing'
    if (Notification.permission === 'denied') return 'blocked'
    return allowed() && localStorage.getItem(key) === 'yes' ? 'on' : 'off'
  }
  const [state, setState] = createSignal<Notices>(first())

  return {
    state,
    async set(wanted: boolean): Promise<void> {
      if (wanted && !allowed()) await Notification.requestPermission()
      localStorage.setItem(key, wanted && allowed() ? 'yes' : 'no')
      setState(first())
    },
    /** Says it where the page is not seen; who looks at it sees it there. */
    async say(words: string): Promise<void> {
      if (state() !== 'on' || document.visibilityState === 'visible') return
      try {
        const notice = new Notification(words, { tag: 'thimble' })
        notice.onclick = () => {
          window.focus()
          notice.close()
        }
      } catch {
        // Phones let only the service worker do it.
        await (await registration)?.showNotification(words, { tag: 'thimble' })
      }
    },
  }
}
