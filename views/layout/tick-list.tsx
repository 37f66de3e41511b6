import { fieldId } from './labelled.tsx'

export interface TickListProps {
  name: string
  label: string
  hint?: string | undefined
  error?: string | undefined
  autoFocus?: boolean | undefined
  ticked: readonly string[]
  options: { value: string; label: string; hint?: string | undefined }[]
}

/** Any of several. */
export function TickList({ name, label, hint, error, autoFocus, ticked, options }: TickListProps) {
  const id = fieldId(name)
  return (
    <fieldset class="choices">
      <legend>{label}</legend>
      {hint ? <p class="hint">{hint}</p> : null}
      {error ? (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      ) : null}
      <div class="scopes">
        {options.map((option, index) => (
          <label key={option.value} class="scope scope-choice">
            <input
              type="checkbox"
              name={name}
              value={option.value}
              checked={ticked.includes(option.value)}
              {...(index === 0 ? { id, autoFocus } : {})}
            />
            <span class="scope-text">
              <span>
                <bdi>{option.label}</bdi>
              </span>
              {option.hint ? (
                <span class="hint">
                  <code>{option.hint}</code>
                </span>
              ) : null}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
