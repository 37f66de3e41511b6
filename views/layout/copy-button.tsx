import { usePage } from '../page-context.ts'

export interface CopyButtonProps {
  /** the id of the element whose text is copied */
  of: string
  /** names it, for those who meet the button away from the text */
  what: string
}

/** Hidden until copy.js finds it, as it needs JavaScript. */
export function CopyButton({ of, what }: CopyButtonProps) {
  const { messages } = usePage()
  const { copy, copied, copyFailed } = messages.layout
  return (
    <button
      type="button"
      class="button button-secondary button-compact"
      hidden
      data-copy={of}
      data-copied={copied}
      data-failed={copyFailed}
    >
      <span data-copy-label aria-live="polite">
        {copy}
      </span>
      <span class="visually-hidden">: {what}</span>
    </button>
  )
}
