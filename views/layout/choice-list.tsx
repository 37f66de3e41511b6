import type { ComponentChildren } from 'preact'
import { fieldId } from './labelled.tsx'

export interface ChoiceOption {
  value: string
  label: ComponentChildren
  hint?: ComponentChildren | undefined
}

export interface ChoiceListProps {
  name: string
  legend: string
  value: string
  options: ChoiceOption[]
  error?: string | undefined
}

/** One of several, where each needs explaining. */
export function ChoiceList({ name, legend, value, options, error }: ChoiceListProps) {
  return (
    <fieldset class="choices">
      <legend>{legend}</legend>
      {error ? (
        <p class="field-error" id={`${fieldId(name)}-error`}>
          {error}
        </p>
      ) : null}
      <div class="scopes">
        {options.map((option, index) => {
          const id = index === 0 ? fieldId(name) : `${fieldId(name)}-${index}`
          return (
            <label key={option.value} class="scope scope-choice" for={id}>
              <input id={id} type="radio" name={name} value={option.value} checked={option.value === value} />
              <span class="scope-text">
                <span>{option.label}</span>
                {option.hint ? <span class="hint">{option.hint}</span> : null}
              </span>
            </label>
          )
        })}
      </div>
    </fieldset>
  )
}

export interface TickProps {
  /** made from the name unless given */
  id?: string | undefined
  name: string
  value?: string | undefined
  checked: boolean
  label: ComponentChildren
  hint?: ComponentChildren | undefined
  /** one row of a list */
  inList?: boolean | undefined
}

/** Yes or no. */
export function Tick({ name, id = fieldId(name), value = 'true', checked, label, hint, inList }: TickProps) {
  return (
    <label class={inList ? 'scope scope-choice' : 'tick'} for={id}>
      <input id={id} type="checkbox" name={name} value={value} checked={checked} />
      <span class="scope-text">
        <span>{label}</span>
        {hint ? <span class="hint">{hint}</span> : null}
      </span>
    </label>
  )
}
