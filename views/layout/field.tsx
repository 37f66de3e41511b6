import { type ControlState, described, Labelled, type LabelledProps } from './labelled.tsx'

export interface FieldProps extends LabelledProps, Omit<ControlState, 'hint'> {
  type?: 'text' | 'email' | 'password' | 'number' | 'date' | 'url' | 'code' | undefined
  value?: string | undefined
  /** `off` unless given: what browsers fill in are people, not tokens */
  autoComplete?: string | undefined
  /** for dates */
  min?: string | undefined
  max?: string | undefined
}

/**
 * A labelled input with its hint and its error. A number is typed as text: a browser's number field sends nothing at all for
 * what it cannot read, and nobody would notice.
 */
export function Field(field: FieldProps) {
  const { name, type = 'text', value, optional, required = !optional, autoComplete = 'off', min, max } = field
  const input = {
    name,
    value,
    min,
    max,
    dir: type === 'number' || type === 'date' ? undefined : 'auto',
    required: required,
    autoComplete,
    ...described(name, field),
  } as const
  const asTyped = { autoCapitalize: 'none', spellcheck: false } as const
  return (
    <Labelled {...field}>
      {type === 'text' ? <input type="text" {...input} {...(name === 'username' ? asTyped : {})} /> : null}
      {type === 'number' ? <input type="text" class="number" inputMode="numeric" {...input} /> : null}
      {type === 'code' ? (
        <input type="text" class="user-code" autoCapitalize="characters" spellcheck={false} {...input} />
      ) : null}
      {type === 'date' ? <input type="date" {...input} /> : null}
      {type === 'password' ? <input type="password" {...input} {...asTyped} /> : null}
      {type === 'email' ? <input type="email" {...input} {...asTyped} /> : null}
      {type === 'url' ? <input type="url" {...input} {...asTyped} /> : null}
    </Labelled>
  )
}
