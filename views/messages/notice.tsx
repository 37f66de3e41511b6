import type { ComponentChildren } from 'preact'
import { usePage } from '../page-context.ts'

export type Tone = 'info' | 'success' | 'warning' | 'danger'

export interface NoticeProps {
  tone: Tone
  id?: string | undefined
  children: ComponentChildren
}

/**
 * One message about what happened, or what to take care of. The tone is in words too, not in colour
 * alone.
 */
export function Notice({ tone, id, children }: NoticeProps) {
  const { messages } = usePage()
  return (
    <div class={`notice notice-${tone}`} id={id} role={tone === 'danger' ? 'alert' : 'status'}>
      <span class="visually-hidden">{messages.notice[tone]}: </span>
      {children}
    </div>
  )
}
