import { Badge } from '../layout/badge.tsx'
import { DataTable } from '../layout/data-table.tsx'
import { usePage } from '../page-context.ts'
import { RowName } from './row-name.tsx'

export interface ResourceScope {
  name: string
  description: string
  restricted: boolean
}

export interface ResourceRow {
  identifier: string
  name: string
  organization?: string | undefined
  tokenFormat: string
  scopes: ResourceScope[]
}

export function ResourceTable({ resources }: { resources: ResourceRow[] }) {
  const words = usePage().messages.admin
  return (
    <DataTable
      caption={words.resources}
      rows={resources}
      rowKey={resource => resource.identifier}
      columns={[
        { heading: words.resource, cell: resource => <RowName {...resource} /> },
        { heading: words.tokenFormat, cell: resource => <code>{resource.tokenFormat}</code> },
        { heading: words.scopes, cell: resource => <Scopes scopes={resource.scopes} /> },
      ]}
    />
  )
}

function Scopes({ scopes }: { scopes: ResourceScope[] }) {
  const words = usePage().messages.admin
  if (scopes.length === 0) return <span class="hint">{words.none}</span>
  return (
    <ul class="described-scopes">
      {scopes.map(scope => (
        <li key={scope.name}>
          <code>{scope.name}</code>
          {scope.restricted ? <Badge tone="warning">{words.restricted}</Badge> : null}
          <span class="hint">
            <bdi>{scope.description}</bdi>
          </span>
        </li>
      ))}
    </ul>
  )
}
