import { CheckMark, type Scope, type ScopeGroup, ScopeGroupTitle, ScopeText } from '../layout/scope-list.tsx'

export interface ConsentScope extends Scope {
  /** cannot be left out: shown as text, sent as a hidden field */
  required?: boolean | undefined
  checked: boolean
}

export interface ConsentScopeGroup extends ScopeGroup {
  scopes: ConsentScope[]
}

/** The scopes a client asks for, each to be ticked or not, in groups of one resource. */
export function ScopeChoice({ groups }: { groups: ConsentScopeGroup[] }) {
  return (
    <div class="scope-groups">
      {groups.map((group, index) => (
        <fieldset key={`${group.resource} ${group.title}`}>
          <legend>
            <ScopeGroupTitle group={group} />
          </legend>
          <div class="scopes">
            {group.scopes.map((scope, position) => (
              <Choice key={scope.value} scope={scope} id={`scope-${index}-${position}`} />
            ))}
          </div>
        </fieldset>
      ))}
    </div>
  )
}

function Choice({ scope, id }: { scope: ConsentScope; id: string }) {
  if (scope.required) {
    return (
      <div class="scope">
        <input type="hidden" name="scope" value={scope.value} />
        <CheckMark />
        <ScopeText scope={scope} />
      </div>
    )
  }
  return (
    <label class="scope scope-choice" for={id}>
      <input id={id} type="checkbox" name="scope" value={scope.value} checked={scope.checked} />
      <ScopeText scope={scope} />
    </label>
  )
}
