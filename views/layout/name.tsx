import type { ComponentChildren } from 'preact'

/** A name somebody chose, kept apart so that its writing direction cannot reorder the sentence around it. */
export function Name({ children, strong }: { children: ComponentChildren; strong?: boolean | undefined }) {
  return strong ? (
    <strong>
      <bdi>{children}</bdi>
    </strong>
  ) : (
    <bdi>{children}</bdi>
  )
}
