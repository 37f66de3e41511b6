import { usePage } from '../page-context.ts'
import { Badge } from './badge.tsx'

export interface Scope {
  value: string
  label: string
  description?: string | undefined
  restricted?: boolean | undefined
  /** open to clients that registered themselves; said on the resource's own page only */
  selfRegistered?: boolean | undefined
}

export interface ScopeGroup {
  title: string
  /** the identifier of the resource; OpenID Connect's own scopes have none */
  resource?: string | undefined
  scopes: Scope[]
  /** to choose from, but rarely: shown on demand */
  folded?: boolean | undefined
}

/** What was allowed, in the resource's words, to be read. The consent page has the one to choose from. */
export function ScopeList({ groups }: { groups: ScopeGroup[] }) {
  return (
    <div class="scope-groups">
      {groups.map(group => (
        <div key={`${group.resource} ${group.title}`}>
          <ScopeGroupTitle group={group} />
          <ul class="scopes">
            {group.scopes.map(scope => (
              <li key={scope.value} class="scope">
                <CheckMark />
                <ScopeText scope={scope} />
              </li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  )
}

export function ScopeGroupTitle({ group }: { group: ScopeGroup }) {
  return (
    <p class="scope-title">
      <bdi>{group.title}</bdi>
      {group.resource ? <code>{group.resource}</code> : null}
    </p>
  )
}

export function ScopeText({ scope }: { scope: Scope }) {
  const { messages } = usePage()
  return (
    <span class="scope-text">
      <span>
        <bdi>{scope.label}</bdi>
        {scope.restricted ? (
          <>
            {' '}
            <Badge tone="warning">{messages.consent.restricted}</Badge>
          </>
        ) : null}
        {scope.selfRegistered ? (
          <>
            {' '}
            <Badge>{messages.resources.selfRegistered}</Badge>
          </>
        ) : null}
      </span>
      {scope.description ? (
        <span class="hint">
          <bdi>{scope.description}</bdi>
        </span>
      ) : null}
    </span>
  )
}

export function CheckMark() {
  return (
    <svg class="check-mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
      <path d="m6 12.5 4 4 8-9" fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  )
}
