import type { ComponentChildren } from 'preact'
import { usePage } from '../page-context.ts'

export interface LabelledProps {
  name: string
  label: string
  hint?: ComponentChildren | undefined
  error?: string | undefined
  optional?: boolean | undefined
  /** where neither word fits: one of two fields will do */
  required?: boolean | undefined
  class?: string | undefined
}

/** What stands around one control: its label, its hint and its error. The control says `described(…)` itself. */
export function Labelled(props: LabelledProps & { children: ComponentChildren }) {
  const { name, label, hint, error, optional, class: className, children } = props
  const { layout } = usePage().messages
  const id = fieldId(name)
  return (
    <div class={className ? `field ${className}` : 'field'}>
      <label for={id}>
        {label}
        {optional ? <span class="optional"> {layout.optional}</span> : null}
      </label>
      {hint ? (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
      {children}
      {error ? (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      ) : null}
    </div>
  )
}

export function fieldId(name: string): string {
  return `field-${name}`
}

export interface ControlState {
  hint?: unknown
  error?: string | undefined
  /** the id of a message elsewhere that is about this control too */
  describedBy?: string | undefined
  /** on the first field, after a refusal on the first one to correct */
  autoFocus?: boolean | undefined
}

/** The attributes that tie a control to its hint and its error, for everyone who cannot see that they touch. */
export function described(name: string, { hint, error, describedBy, autoFocus }: ControlState) {
  const id = fieldId(name)
  const ids = [describedBy, error && `${id}-error`, hint ? `${id}-hint` : undefined].filter(Boolean)
  return {
    id,
    autoFocus,
    'aria-invalid': error ? 'true' : undefined,
    'aria-describedby': ids.join(' ') || undefined,
  } as const
}
