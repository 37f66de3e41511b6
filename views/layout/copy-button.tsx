import { usePage } from '../page-context.ts'

/** Copies the text of the element with the id `of`. Hidden until copy.js finds it, as it needs JavaScript. */
export function CopyButton({ of }: { of: string }) {
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
      aria-describedby={of}
    >
      <span data-copy-label aria-live="polite">
        {copy}
      </span>
    </button>
  )
}
