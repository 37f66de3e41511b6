import { Button } from '../layout/button.tsx'
import { Tick } from '../layout/choice-list.tsx'
import { fieldId } from '../layout/labelled.tsx'
import { usePage } from '../page-context.ts'

/** As typed. */
export interface ScopeRow {
  name: string
  description: string
  restricted: boolean
  selfRegistered: boolean
}

export interface ScopeRowsProps {
  /** those with something in them, and some empty ones */
  rows: ScopeRow[]
  error: string | undefined
}

/**
 * The scopes of a resource, a row each: `scope_name` and `scope_description` as often as there are rows, and
 * `scope_restricted` and `scope_self_registered` with the number of the row. The button for more rows sends the form and gets it back.
 */
export function ScopeRows({ rows, error }: ScopeRowsProps) {
  const { form } = usePage().messages.resources
  return (
    <section class="scope-picker" aria-labelledby="scope-rows">
      <h2 class="picker-title" id="scope-rows">
        {form.scopesTitle}
      </h2>
      <p class="hint">{form.scopesHint}</p>
      {error ? (
        <p class="field-error" id={`${fieldId('scopes')}-error`}>
          {error}
        </p>
      ) : null}
      {rows.map((row, index) => (
        <Row key={index} row={row} index={index} invalid={error !== undefined} />
      ))}
      <p>
        <Button look="secondary" compact name="more_rows" value="true">
          {form.moreRows}
        </Button>
      </p>
    </section>
  )
}

function Row({ row, index, invalid }: { row: ScopeRow; index: number; invalid: boolean }) {
  const { form } = usePage().messages.resources
  // The link from the list of errors leads to the first row.
  const id = index === 0 ? fieldId('scopes') : `${fieldId('scopes')}-${index}`
  return (
    <fieldset class="scope-row">
      <legend class="visually-hidden">{form.scope(index + 1)}</legend>
      <div class="field">
        <label for={id}>{form.scopeName}</label>
        <input
          id={id}
          type="text"
          class="code"
          name="scope_name"
          value={row.name}
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          aria-describedby={invalid ? `${fieldId('scopes')}-error` : undefined}
        />
      </div>
      <div class="field">
        <label for={`${id}-description`}>{form.scopeDescription}</label>
        <input
          id={`${id}-description`}
          type="text"
          name="scope_description"
          value={row.description}
          dir="auto"
          autoComplete="off"
        />
      </div>
      <Tick
        id={`${id}-restricted`}
        name="scope_restricted"
        value={String(index)}
        checked={row.restricted}
        label={form.scopeRestricted}
        hint={form.scopeRestrictedHint}
      />
      <Tick
        id={`${id}-self-registered`}
        name="scope_self_registered"
        value={String(index)}
        checked={row.selfRegistered}
        label={form.scopeSelfRegistered}
        hint={form.scopeSelfRegisteredHint}
      />
    </fieldset>
  )
}
