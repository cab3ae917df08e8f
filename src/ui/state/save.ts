// Saving a file: the browser's own dialog where there is one, else a download.

interface SavePicker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>
}

function download(name: string, blob: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
  // The browser reads the blob after the click; a minute is ample and still frees it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** Asks for the place first, while the click still counts as the person's wish. Returns the name, or null if they let it be. */
export async function save(name: string, make: () => Promise<Blob | null>): Promise<string | null> {
  let handle: FileSystemFileHandle | null = null
  const picker = (window as SavePicker).showSaveFilePicker
  if (picker) {
    try {
      handle = await picker.call(window, { suggestedName: name })
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return null
      handle = null // a frame or a policy without the dialog: a download does as well
    }
  }
  const blob = await make()
  if (!blob) return null
  if (!handle) download(name, blob)
  else {
    const stream = await handle.createWritable()
    await stream.write(blob)
    await stream.close()
  }
  return handle?.name ?? name
}

export const jsonBlob = (value: unknown): Blob =>
  new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' })
