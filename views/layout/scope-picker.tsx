import type { ComponentChildren } from 'preact'
import { fieldId } from './labelled.tsx'
import { type Scope, type ScopeGroup, ScopeGroupTitle, ScopeText } from './scope-list.tsx'

export interface ScopePickerProps {
  /** the values are unique on the page; each is a checkbox named `scope` */
  groups: ScopeGroup[]
  ticked: readonly string[]
  title: string
  /** what an error calls them; the title may be a question */
  label: string
  hint?: string | undefined
  /** instead of an empty list */
  none: string
  error?: string | undefined
  autoFocus?: boolean | undefined
}

/** Scopes to choose from, in groups of one resource. */
export function ScopePicker({ groups, ticked, title, hint, none, error, autoFocus }: ScopePickerProps) {
  const id = fieldId('scope')
  const box = (scope: Scope, first: boolean) => (
    <label key={scope.value} class="scope scope-choice">
      <input
        type="checkbox"
        name="scope"
        value={scope.value}
        checked={ticked.includes(scope.value)}
        {...(first ? { id, autoFocus } : {})}
        aria-describedby={error ? `${id}-error` : undefined}
      />
      <ScopeText scope={scope} />
    </label>
  )
  return (
    <section class="scope-picker" aria-labelledby={`${id}-title`}>
      <h2 class="picker-title" id={`${id}-title`}>
        {title}
      </h2>
      <p class="hint">{groups.length > 0 ? hint : none}</p>
      {error ? (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      ) : null}
      <div class="scope-groups">
        {groups.map((group, index) => (
          <Foldable key={`${group.resource} ${group.title}`} group={group} ticked={ticked}>
            <fieldset>
              <legend class={group.folded ? 'visually-hidden' : undefined}>
                <ScopeGroupTitle group={group} />
              </legend>
              <div class="scopes">
                {group.scopes.map((scope, position) => box(scope, index === 0 && position === 0))}
              </div>
            </fieldset>
          </Foldable>
        ))}
      </div>
    </section>
  )
}

interface FoldableProps {
  group: ScopeGroup
  ticked: readonly string[]
  children: ComponentChildren
}

/** Never hides what is ticked. */
function Foldable({ group, ticked, children }: FoldableProps) {
  if (!group.folded) return <>{children}</>
  return (
    <details class="disclosure" open={group.scopes.some(({ value }) => ticked.includes(value))}>
      <summary>
        <bdi>{group.title}</bdi>
      </summary>
      {children}
    </details>
  )
}
