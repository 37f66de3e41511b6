import type { ComponentChildren } from 'preact'
import { usePage } from '../page-context.ts'

export interface FormProps {
  action: string
  /** sent along unseen; those without a value are left out */
  hidden?: Record<string, string | undefined> | undefined
  class?: string | undefined
  children: ComponentChildren
}

/**
 * A form that posts, with the CSRF token of the page. The server judges the input and says what is wrong
 * next to the field, in one voice and one language, so the browser's own bubbles are off.
 */
export function Form({ action, hidden = {}, class: className = 'form', children }: FormProps) {
  const { csrf } = usePage()
  return (
    <form method="post" action={action} class={className} noValidate>
      {csrf === undefined ? null : <input type="hidden" name="csrf" value={csrf} />}
      {Object.entries(hidden).map(([name, value]) =>
        value === undefined ? null : <input key={name} type="hidden" name={name} value={value} />,
      )}
      {children}
    </form>
  )
}
