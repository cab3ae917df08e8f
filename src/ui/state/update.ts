// A new version of the page waits until a person wants it; it never reloads under a running job.
import { createSignal } from 'solid-js'

export function createUpdate(registration: Promise<ServiceWorkerRegistration | null>) {
  const [waiting, setWaiting] = createSignal<ServiceWorker | null>(null)

  registration.then(found => {
    if (!found) return
    const watch = (worker: ServiceWorker | null) => {
      if (!worker) return
      const look = () => {
        // Without a controller this is the first installation, which replaces nothing.
        if (worker.state === 'installed' && navigator.serviceWorker.controller) setWaiting(worker)
      }
      worker.addEventListener('statechange', look)
      look()
    }
    watch(found.waiting)
    found.addEventListener('updatefound', () => watch(found.installing))
  })

  return {
    waiting,
    dismiss: () => setWaiting(null),
    reload(): void {
      const worker = waiting()
      if (!worker) return
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
      worker.postMessage('activate')
    },
  }
}
