import { Codes } from '../admin/row-name.tsx'
import { Button, ButtonLink } from '../layout/button.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { ScopeList } from '../layout/scope-list.tsx'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'
import {
  certificatesPath,
  clientPath,
  comesBack,
  keysPath,
  type ShownClient,
  signingSecretsPath,
} from './client.ts'
import { ClientStatus } from './client-list-page.tsx'
import { ClientSecrets } from './client-secrets.tsx'
import { OwnCertificates } from './own-certificates.tsx'
import { OwnKeys } from './own-keys.tsx'

export interface ClientPageProps {
  client: ShownClient
  canChange: boolean
  /** may end what it holds */
  canRevoke: boolean
  /** not when an administrator has disabled it, and this is none */
  canEnable: boolean
}

export function ClientPage({ client, canChange, canRevoke, canEnable }: ClientPageProps) {
  const words = usePage().messages.clients
  const here = clientPath(client.clientId)
  return (
    <WidePage
      title={client.name}
      heading={<Name>{client.name}</Name>}
      lead={<code>{client.clientId}</code>}
      current="clients"
      trail={[{ href: paths.clients, label: words.title }]}
      actions={
        canChange ? (
          <ButtonLink look="secondary" href={`${here}/edit`}>
            {words.edit}
          </ButtonLink>
        ) : undefined
      }
    >
      {client.disabled ? (
        <Notice tone="warning">
          {words.disabledNote}
          {canEnable ? null : <> {words.disabledByAdministrator}</>}
        </Notice>
      ) : null}
      {client.settings.isSelfRegistered ? <Notice tone="info">{words.selfRegistered}</Notice> : null}
      <section class="card" aria-labelledby="settings">
        <h2 id="settings">{words.settings}</h2>
        <Settings client={client} />
      </section>
      <section aria-labelledby="scopes">
        <h2 id="scopes">{words.scopes}</h2>
        <div class="card">
          {client.scopes.length > 0 ? (
            <ScopeList groups={client.scopes} />
          ) : (
            <p class="hint">{client.kind === 'service' ? words.noScopesService : words.noScopes}</p>
          )}
        </div>
      </section>
      <Proof client={client} canChange={canChange} />
      <section aria-labelledby="keys">
        <h2 id="keys">{words.keys}</h2>
        <div class="card rows">
          <div class="row">
            <p class="row-text hint">{words.keysNote}</p>
            <ButtonLink look="secondary" compact href={keysPath(client.clientId)}>
              {words.toKeys}
            </ButtonLink>
          </div>
          <div class="row">
            <p class="row-text hint">{words.signingSecretsNote}</p>
            <ButtonLink look="secondary" compact href={signingSecretsPath(client.clientId)}>
              {words.toSigningSecrets}
            </ButtonLink>
          </div>
          <div class="row">
            <p class="row-text hint">{words.shownCertificatesNote}</p>
            <ButtonLink look="secondary" compact href={certificatesPath(client.clientId)}>
              {words.toCertificates}
            </ButtonLink>
          </div>
        </div>
      </section>
      {canChange ? <Endings client={client} canRevoke={canRevoke} canEnable={canEnable} /> : null}
    </WidePage>
  )
}

/** What it proves with who it is. */
function Proof({ client, canChange }: Omit<ClientPageProps, 'canRevoke' | 'canEnable'>) {
  if (client.keys) return <OwnKeys keys={client.keys} />
  if (client.certificates) return <OwnCertificates certificates={client.certificates} />
  return <ClientSecrets client={client} canChange={canChange} />
}

function Settings({ client }: { client: ShownClient }) {
  const words = usePage().messages.clients
  const { organization, introspect, kind, settings } = client
  const codes = (values: string[]) => <Codes values={values} none={words.none} />
  return (
    <DetailsList
      details={[
        { term: words.kind, value: words.kinds[kind].name },
        { term: words.status, value: <ClientStatus disabled={client.disabled} /> },
        {
          term: words.organization,
          value: organization === undefined ? words.noOne : <Name>{organization}</Name>,
        },
        { term: words.grantTypes, value: codes(client.grantTypes) },
        { term: words.authMethod, value: codes([client.authMethod]) },
        comesBack(kind) ? { term: words.redirectUris, value: codes(client.redirectUris) } : undefined,
        client.postLogoutRedirectUris.length > 0
          ? { term: words.postLogoutRedirectUris, value: codes(client.postLogoutRedirectUris) }
          : undefined,
        settings.backchannelLogoutUri === undefined
          ? undefined
          : { term: words.backchannelLogout, value: codes([settings.backchannelLogoutUri]) },
        settings.requiresPushedRequests
          ? { term: words.pushedRequests, value: words.pushedRequired }
          : undefined,
        settings.requiresDpop ? { term: words.tokens, value: words.dpopRequired } : undefined,
        settings.requiresCertificate ? { term: words.tokens, value: words.certificateRequired } : undefined,
        settings.idTokenAlg === undefined
          ? undefined
          : { term: words.idTokens, value: codes([settings.idTokenAlg]) },
        introspect.length > 0 ? { term: words.introspect, value: introspect.join(', ') } : undefined,
        { term: words.created, value: <Time value={client.createdAt} /> },
      ]}
    />
  )
}

/** Enabling harms nobody, so it asks nothing. */
function Endings({ client, canRevoke, canEnable }: Omit<ClientPageProps, 'canChange'>) {
  const { clients: words, revoke } = usePage().messages
  const here = clientPath(client.clientId)
  return (
    <div class="buttons">
      {client.disabled && canEnable ? (
        <Form action={`${here}/enable`} class="item-action">
          <Button look="secondary">{words.enable}</Button>
        </Form>
      ) : null}
      {client.disabled ? null : (
        <ButtonLink look="danger" href={`${here}/disable`}>
          {words.disable}
        </ButtonLink>
      )}
      {canRevoke ? (
        <ButtonLink look="danger" href={`${here}/revoke`}>
          {revoke.ofClient}
        </ButtonLink>
      ) : null}
      <ButtonLink look="danger" href={`${here}/delete`}>
        {words.delete}
      </ButtonLink>
    </div>
  )
}
