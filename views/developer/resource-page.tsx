import { ButtonLink } from '../layout/button.tsx'
import { ConfirmPage } from '../layout/confirm-page.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { ScopeList } from '../layout/scope-list.tsx'
import { Copyable } from '../layout/secret-box.tsx'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'
import { resourcePath, type ShownResource } from './resource.ts'

/** The document with which an API names its authorization server (RFC 9728). */
export interface MetadataToPublish {
  address: string
  document: string
}

export interface ResourcePageProps {
  resource: ShownResource
  canChange: boolean
  /** undefined: it can have none */
  metadata?: MetadataToPublish | undefined
}

export function ResourcePage({ resource, canChange, metadata }: ResourcePageProps) {
  const words = usePage().messages.resources
  const here = resourcePath(resource.identifier)
  return (
    <WidePage
      title={resource.name}
      heading={<Name>{resource.name}</Name>}
      lead={<code>{resource.identifier}</code>}
      current="resources"
      trail={[{ href: paths.resources, label: words.title }]}
      actions={
        canChange ? (
          <>
            <ButtonLink look="secondary" href={`${here}/edit`}>
              {words.edit}
            </ButtonLink>
            <ButtonLink look="danger" href={`${here}/delete`}>
              {words.delete}
            </ButtonLink>
          </>
        ) : undefined
      }
    >
      {resource.builtIn ? <Notice tone="info">{words.builtInNote}</Notice> : null}
      <section class="card" aria-labelledby="settings">
        <h2 id="settings">{words.settings}</h2>
        <Settings resource={resource} />
      </section>
      <section aria-labelledby="scopes">
        <h2 id="scopes">{words.scopes}</h2>
        <Scopes resource={resource} />
      </section>
      {metadata ? (
        <section class="card" aria-labelledby="metadata-label">
          <h2 id="metadata-label">{words.metadata}</h2>
          <p class="hint">{words.metadataNote(<code key="address">{metadata.address}</code>)}</p>
          <Copyable id="metadata" what={words.metadata} text={metadata.document} />
        </section>
      ) : null}
    </WidePage>
  )
}

function Settings({ resource }: { resource: ShownResource }) {
  const words = usePage().messages.resources
  const { organization, env, layers, allowedAddresses } = resource
  return (
    <DetailsList
      details={[
        {
          term: words.organization,
          value: organization === undefined ? words.noOne : <Name>{organization}</Name>,
        },
        { term: words.tokenFormat, value: words.formats[resource.tokenFormat] },
        ...(resource.tokenFormat === 'jwt'
          ? [{ term: words.tokenSigningAlg, value: <code>{resource.tokenSigningAlg}</code> }]
          : []),
        { term: words.lifetime, value: words.span(resource.lifetime) },
        { term: words.environment, value: env === undefined ? words.anyEnvironment : <code>{env}</code> },
        layers.length === 0
          ? undefined
          : {
              term: words.layersTitle,
              value: words.withCertificate(
                layers
                  .filter(kind => kind !== 'client-certificate')
                  .map(kind => words.layerKinds[kind])
                  .join(', '),
              ),
            },
        allowedAddresses && {
          term: words.addresses,
          value: (
            <ul class="codes">
              {allowedAddresses.map(address => (
                <li key={address}>
                  <code>{address}</code>
                </li>
              ))}
            </ul>
          ),
        },
        { term: words.created, value: <Time value={resource.createdAt} /> },
      ]}
    />
  )
}

function Scopes({ resource }: { resource: ShownResource }) {
  const words = usePage().messages.resources
  if (resource.scopes.length === 0) return <p class="card hint">{words.noScopes}</p>
  const scopes = resource.scopes.map(({ name, description, restricted, selfRegistered }) => ({
    value: name,
    label: description || name,
    description: description ? name : undefined,
    restricted,
    selfRegistered,
  }))
  return (
    <div class="card">
      <ScopeList groups={[{ title: words.scopeCount(scopes.length), scopes }]} />
    </div>
  )
}

export function DeleteResourcePage({ resource }: { resource: ShownResource }) {
  const words = usePage().messages.resources
  const here = resourcePath(resource.identifier)
  return (
    <ConfirmPage
      title={words.deleteTitle(resource.name)}
      action={`${here}/delete`}
      button={words.delete}
      cancel={{ href: here, label: words.keep }}
    >
      <p>
        <code>{resource.identifier}</code>
      </p>
      <p>
        {words.deleteNote(
          <Name key="name" strong>
            {resource.name}
          </Name>,
        )}
      </p>
    </ConfirmPage>
  )
}
