import { Badge } from '../layout/badge.tsx'
import { DataTable } from '../layout/data-table.tsx'
import { usePage } from '../page-context.ts'
import { Code, Codes, RowName } from './row-name.tsx'

export interface ClientRow {
  clientId: string
  name: string
  organization?: string | undefined
  grantTypes: string[]
  authMethod: string
  scopes: string[]
  disabled: boolean
}

export function ClientTable({ clients }: { clients: ClientRow[] }) {
  const words = usePage().messages.admin
  return (
    <DataTable
      caption={words.clients}
      rows={clients}
      rowKey={client => client.clientId}
      columns={[
        {
          heading: words.client,
          cell: ({ name, clientId, organization }) => (
            <RowName name={name} identifier={clientId} organization={organization} />
          ),
        },
        { heading: words.grantTypes, cell: client => <Codes values={client.grantTypes} none={words.none} /> },
        { heading: words.authMethod, cell: client => <Code>{client.authMethod}</Code> },
        { heading: words.scopes, cell: client => <Codes values={client.scopes} none={words.none} /> },
        {
          heading: words.status,
          cell: client =>
            client.disabled ? (
              <Badge tone="danger">{words.disabled}</Badge>
            ) : (
              <Badge tone="success">{words.enabled}</Badge>
            ),
        },
      ]}
    />
  )
}
