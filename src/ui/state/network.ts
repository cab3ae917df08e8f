// Proof that nothing leaves: requests to other origins are counted as the browser reports them, and so are attempts that the
// security policy stopped.
import { createSignal, onCleanup } from 'solid-js'

/** Whether an address leads out of this page's own origin; blob: and data: stay inside. */
export function leaves(address: string, origin: string): boolean {
  if (/^(blob|data|about):/.test(address)) return false
  return new URL(address, origin).origin !== origin
}

export function createNetwork() {
  const [sent, setSent] = createSignal(0)
  const [blocked, setBlocked] = createSignal(0)
  const [online, setOnline] = createSignal(navigator.onLine)

  const observer = new PerformanceObserver(list => {
    const out = list.getEntries().filter(entry => leaves(entry.name, location.origin)).length
    if (out > 0) setSent(n => n + out)
  })
  observer.observe({ type: 'resource', buffered: true })
  const violation = (event: SecurityPolicyViolationEvent) => {
    if (event.blockedURI && /^(https?|wss?):/.test(event.blockedURI)) setBlocked(n => n + 1)
  }
  const connection = () => setOnline(navigator.onLine)
  document.addEventListener('securitypolicyviolation', violation)
  window.addEventListener('online', connection)
  window.addEventListener('offline', connection)
  onCleanup(() => {
    observer.disconnect()
    document.removeEventListener('securitypolicyviolation', violation)
    window.removeEventListener('online', connection)
    window.removeEventListener('offline', connection)
  })
  return { sent, blocked, online }
}
