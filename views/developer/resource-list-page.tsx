import { RowName } from '../admin/row-name.tsx'
import { ButtonLink } from '../layout/button.tsx'
import { DataTable } from '../layout/data-table.tsx'
import { EmptyState } from '../layout/empty-state.tsx'
import { Name } from '../layout/name.tsx'
import { Pager } from '../layout/pager.tsx'
import { paths } from '../layout/paths.ts'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { resourcePath, type ShownResource } from './resource.ts'

export interface ResourceListPageProps {
  resources: ShownResource[]
  canCreate: boolean
  /** in no organization at all */
  homeless: boolean
  older?: string | undefined
  later: boolean
}

export function ResourceListPage({ resources, canCreate, homeless, older, later }: ResourceListPageProps) {
  const words = usePage().messages.resources
  const create = canCreate ? (
    <ButtonLink href={`${paths.resources}/new`}>{words.create}</ButtonLink>
  ) : undefined
  const isEmpty = resources.length === 0 && !later
  return (
    <WidePage
      title={words.title}
      lead={words.lead}
      current="resources"
      actions={isEmpty ? undefined : create}
    >
      {isEmpty ? (
        <EmptyState title={words.empty} action={create}>
          {homeless ? words.noOrganization : words.emptyNote}
        </EmptyState>
      ) : (
        <DataTable
          caption={words.title}
          rows={resources}
          rowKey={resource => resource.identifier}
          columns={[
            {
              heading: words.resource,
              cell: ({ name, identifier }) => (
                <RowName name={name} identifier={identifier} href={resourcePath(identifier)} />
              ),
            },
            {
              heading: words.organization,
              cell: ({ organization, builtIn }) =>
                organization === undefined ? (
                  <span class="hint">{builtIn ? words.builtIn : words.noOne}</span>
                ) : (
                  <Name>{organization}</Name>
                ),
            },
            { heading: words.tokenFormat, cell: resource => words.formats[resource.tokenFormat] },
            { heading: words.scopes, cell: resource => words.scopeCount(resource.scopes.length) },
          ]}
        />
      )}
      <Pager first={paths.resources} older={older} later={later} />
    </WidePage>
  )
}
