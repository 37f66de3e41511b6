import { Button } from '../layout/button.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { EmptyState } from '../layout/empty-state.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { type ScopeGroup, ScopeList } from '../layout/scope-list.tsx'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'

export interface ApplicationItem {
  clientId: string
  name: string
  /** where it sends people, as on the consent page */
  host?: string | undefined
  scopes: ScopeGroup[]
  allowedAt: Date
  /** null: never; undefined: not known, so not shown */
  lastUsedAt?: Date | null | undefined
}

export interface ApplicationsPageProps {
  applications: ApplicationItem[]
  withdrawAction: (clientId: string) => string
}

export function ApplicationsPage({ applications, withdrawAction }: ApplicationsPageProps) {
  const words = usePage().messages.applications
  return (
    <WidePage title={words.title} lead={words.lead} current="applications">
      {applications.length === 0 ? <EmptyState title={words.empty}>{words.emptyNote}</EmptyState> : null}
      <ul class="items">
        {applications.map(application => (
          <Application
            key={application.clientId}
            application={application}
            action={withdrawAction(application.clientId)}
          />
        ))}
      </ul>
    </WidePage>
  )
}

function Application({ application, action }: { application: ApplicationItem; action: string }) {
  const words = usePage().messages.applications
  const { name, host, scopes, allowedAt, lastUsedAt } = application
  return (
    <li class="card item">
      <div>
        <h2>
          <Name>{name}</Name>
        </h2>
        {host ? (
          <p class="hint">
            <Name>{host}</Name>
          </p>
        ) : null}
      </div>
      <DetailsList
        details={[
          { term: words.allowed, value: <Time value={allowedAt} /> },
          lastUsedAt === undefined
            ? undefined
            : { term: words.lastUsed, value: lastUsedAt ? <Time value={lastUsedAt} /> : words.neverUsed },
        ]}
      />
      <Permissions groups={scopes} />
      <Withdrawal name={name} action={action} />
    </li>
  )
}

function Permissions({ groups }: { groups: ScopeGroup[] }) {
  const words = usePage().messages.applications
  const count = groups.reduce((sum, group) => sum + group.scopes.length, 0)
  if (count === 0) return <p class="hint">{words.noPermissions}</p>
  return (
    <details class="disclosure">
      <summary>{words.permissions(count)}</summary>
      <ScopeList groups={groups} />
    </details>
  )
}

/** Two steps without JavaScript: opening it says what breaks, the button inside does it. */
function Withdrawal({ name, action }: { name: string; action: string }) {
  const words = usePage().messages.applications
  const which = words.withdrawWhich(<Name key="name">{name}</Name>)
  return (
    <details class="disclosure">
      <summary>
        {words.withdraw}
        <span class="visually-hidden">{which}</span>
      </summary>
      <Form action={action}>
        <p>
          {words.withdrawNote(
            <Name key="name" strong>
              {name}
            </Name>,
          )}
        </p>
        <div class="buttons">
          <Button look="danger">
            {words.withdrawConfirm}
            <span class="visually-hidden">{which}</span>
          </Button>
        </div>
      </Form>
    </details>
  )
}
