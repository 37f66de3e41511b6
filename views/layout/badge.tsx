import type { ComponentChildren } from 'preact'

export type BadgeTone = 'neutral' | 'accent' | 'success' | 'warning' | 'danger'

/** A state in one or two words. The colour repeats what the words say. */
export function Badge({ tone = 'neutral', children }: { tone?: BadgeTone; children: ComponentChildren }) {
  return <span class={`badge badge-${tone}`}>{children}</span>
}
