import type { ComponentChildren } from 'preact'

export interface EmptyStateProps {
  title: string
  /** the button to make the first one, where there is one */
  action?: ComponentChildren | undefined
  children: ComponentChildren
}

/** Instead of an empty list: what the list is for, and how its first item comes about. */
export function EmptyState({ title, action, children }: EmptyStateProps) {
  return (
    <div class="card empty-state">
      <p class="empty-title">{title}</p>
      <p>{children}</p>
      {action}
    </div>
  )
}
