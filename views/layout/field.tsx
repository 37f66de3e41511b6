import type { ComponentChildren } from 'preact'

export interface FieldProps {
  name: string
  label: string
  type?: 'text' | 'email' | 'password' | undefined
  value?: string | undefined
  hint?: ComponentChildren | undefined
  error?: string | undefined
  autoComplete: string
  /** on the first field, after a refusal on the first one to correct */
  autoFocus?: boolean | undefined
  /** the id of a message elsewhere that is about this field too */
  describedBy?: string | undefined
}

/**
 * A labelled input with its hint and its error, tied together for everyone who cannot see that they
 * touch.
 */
export function Field(field: FieldProps) {
  const { name, label, type = 'text', value, hint, error, autoComplete, autoFocus, describedBy } = field
  const id = fieldId(name)
  const hintId = hint ? `${id}-hint` : undefined
  const errorId = error ? `${id}-error` : undefined
  const input = {
    id,
    name,
    value,
    dir: 'auto',
    required: true,
    autoComplete,
    autoFocus,
    'aria-invalid': error ? 'true' : undefined,
    'aria-describedby': [describedBy, errorId, hintId].filter(Boolean).join(' ') || undefined,
  } as const
  const asTyped = { autoCapitalize: 'none', spellcheck: false } as const
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint ? (
        <p class="hint" id={hintId}>
          {hint}
        </p>
      ) : null}
      {type === 'password' ? <input type="password" {...input} {...asTyped} /> : null}
      {type === 'email' ? <input type="email" {...input} {...asTyped} /> : null}
      {type === 'text' ? <input type="text" {...input} {...(name === 'username' ? asTyped : {})} /> : null}
      {error ? (
        <p class="field-error" id={errorId}>
          {error}
        </p>
      ) : null}
    </div>
  )
}

export function fieldId(name: string): string {
  return `field-${name}`
}
