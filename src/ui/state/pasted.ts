// Pictures out of the clipboard, wherever on the page they are pasted.
import { onCleanup } from 'solid-js'
import type { GivenFile } from './files.ts'

/** `take` is given what was pasted; text in a field is the field's. */
export function onPastedPictures(take: (pictures: GivenFile[]) => void): void {
  const paste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) =>
      /^image\/(png|jpeg|webp|bmp)$/.test(type),
    )
    if (files.length === 0) return
    event.preventDefault()
    take(
      files.map((file, k) => ({
        path: `pasted-${k + 1}.${file.type.slice('image/'.length).replace('jpeg', 'jpg')}`,
        file,
      })),
    )
  }
  window.addEventListener('paste', paste)
  onCleanup(() => window.removeEventListener('paste', paste))
}
