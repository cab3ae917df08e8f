// A button that opens the browser's file dialog. The input itself is in the label, so keys and screen readers find it.
import type { JSX } from 'solid-js'
import { type GivenFile, pickedFiles } from '../state/files.ts'

export function FileButton(props: {
  children: JSX.Element
  onFiles: (files: GivenFile[]) => void
  folder?: boolean
  first?: boolean
  disabled?: boolean
  accept?: string
  testid?: string
}) {
  return (
    <label class="button" classList={{ first: props.first }} data-testid={props.testid}>
      <input
        class="unseen"
        type="file"
        multiple
        accept={props.accept}
        disabled={props.disabled}
        ref={input => props.folder && input.setAttribute('webkitdirectory', '')}
        onChange={event => {
          const { files } = event.currentTarget
          if (files && files.length > 0) props.onFiles(pickedFiles(files))
          // The same file may be chosen again after it was changed.
          event.currentTarget.value = ''
        }}
      />
      {props.children}
    </label>
  )
}
