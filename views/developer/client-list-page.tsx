import { RowName } from '../admin/row-name.tsx'
import { Badge } from '../layout/badge.tsx'
import { ButtonLink } from '../layout/button.tsx'
import { DataTable } from '../layout/data-table.tsx'
import { EmptyState } from '../layout/empty-state.tsx'
import { Name } from '../layout/name.tsx'
import { Pager } from '../layout/pager.tsx'
import { paths } from '../layout/paths.ts'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { clientPath, type ShownClient } from './client.ts'

export interface ClientListPageProps {
  clients: ShownClient[]
  canCreate: boolean
  /** in no organization at all */
  homeless: boolean
  older?: string | undefined
  later: boolean
}

export function ClientListPage({ clients, canCreate, homeless, older, later }: ClientListPageProps) {
  const words = usePage().messages.clients
  const create = canCreate ? <ButtonLink href={`${paths.clients}/new`}>{words.create}</ButtonLink> : undefined
  const isEmpty = clients.length === 0 && !later
  return (
    <WidePage title={words.title} lead={words.lead} current="clients" actions={isEmpty ? undefined : create}>
      {isEmpty ? (
        <EmptyState title={words.empty} action={create}>
          {homeless ? words.noOrganization : words.emptyNote}
        </EmptyState>
      ) : (
        <ClientTable clients={clients} />
      )}
      <Pager first={paths.clients} older={older} later={later} />
    </WidePage>
  )
}

function ClientTable({ clients }: { clients: ShownClient[] }) {
  const words = usePage().messages.clients
  return (
    <DataTable
      caption={words.title}
      rows={clients}
      rowKey={client => client.clientId}
      columns={[
        {
          heading: words.client,
          cell: ({ name, clientId }) => (
            <RowName name={name} identifier={clientId} href={clientPath(clientId)} />
          ),
        },
        { heading: words.kind, cell: client => words.kinds[client.kind].name },
        {
          heading: words.organization,
          cell: ({ organization }) =>
            organization === undefined ? (
              <span class="hint">{words.noOne}</span>
            ) : (
              <Name>{organization}</Name>
            ),
        },
        { heading: words.status, cell: client => <ClientStatus disabled={client.disabled} /> },
      ]}
    />
  )
}

export function ClientStatus({ disabled }: { disabled: boolean }) {
  const words = usePage().messages.clients
  return disabled ? (
    <Badge tone="danger">{words.disabled}</Badge>
  ) : (
    <Badge tone="success">{words.enabled}</Badge>
  )
}
