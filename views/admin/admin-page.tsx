import { Badge } from '../layout/badge.tsx'
import { ButtonLink } from '../layout/button.tsx'
import { EmptyState } from '../layout/empty-state.tsx'
import { paths } from '../layout/paths.ts'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { AccountsCreated, type AccountsOfDay } from './accounts-created.tsx'
import { type ClientRow, ClientTable } from './client-table.tsx'
import { type ResourceRow, ResourceTable } from './resource-table.tsx'

export interface HealthItem {
  name: string
  ok: boolean
  detail: string
}

export interface AdminPageProps {
  health: HealthItem[]
  counts: { accounts: number; clients: number; resources: number; sessions: number }
  clients: ClientRow[]
  resources: ResourceRow[]
  /** oldest first */
  accountsCreatedPerDay?: AccountsOfDay[] | undefined
}

export function AdminPage({ health, counts, clients, resources, accountsCreatedPerDay }: AdminPageProps) {
  const { admin: words, accounts } = usePage().messages
  return (
    <WidePage title={words.title} current="admin">
      <section aria-labelledby="counts">
        <h2 id="counts">{words.counts}</h2>
        <Counts counts={counts} />
        <div class="buttons">
          <ButtonLink look="secondary" compact href={paths.adminAccounts}>
            {accounts.see}
          </ButtonLink>
        </div>
        {accountsCreatedPerDay ? <AccountsCreated perDay={accountsCreatedPerDay} /> : null}
      </section>
      <section aria-labelledby="health">
        <h2 id="health">{words.health}</h2>
        <Health items={health} />
      </section>
      <section aria-labelledby="clients">
        <div class="section-heading">
          <h2 id="clients">{words.clients}</h2>
          <p class="hint">{words.clientsLead}</p>
        </div>
        {clients.length > 0 ? (
          <ClientTable clients={clients} />
        ) : (
          <EmptyState title={words.noClients}>{words.noClientsNote}</EmptyState>
        )}
      </section>
      <section aria-labelledby="resources">
        <div class="section-heading">
          <h2 id="resources">{words.resources}</h2>
          <p class="hint">{words.resourcesLead}</p>
        </div>
        {resources.length > 0 ? (
          <ResourceTable resources={resources} />
        ) : (
          <EmptyState title={words.noResources}>{words.noResourcesNote}</EmptyState>
        )}
      </section>
    </WidePage>
  )
}

function Counts({ counts }: { counts: AdminPageProps['counts'] }) {
  const { messages } = usePage()
  const kinds = ['accounts', 'sessions', 'clients', 'resources'] as const
  return (
    <dl class="counts">
      {kinds.map(kind => (
        <div key={kind} class="card">
          <dt>{messages.admin[kind]}</dt>
          <dd>{messages.number(counts[kind])}</dd>
        </div>
      ))}
    </dl>
  )
}

function Health({ items }: { items: HealthItem[] }) {
  const words = usePage().messages.admin
  return (
    <ul class="card rows">
      {items.map(({ name, ok, detail }) => (
        <li key={name}>
          <span class="row-text">
            <span>{name}</span>
            <span class="hint">{detail}</span>
          </span>
          {ok ? <Badge tone="success">{words.ok}</Badge> : <Badge tone="danger">{words.failed}</Badge>}
        </li>
      ))}
    </ul>
  )
}
