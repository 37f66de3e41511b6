import { sql } from 'kysely'
import type { Tx } from '../db/connect.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { type Client, changed } from './client.ts'
import { keepsSecret } from './client-rules.ts'
import { endSecrets, replaceFileSecret } from './client-secret.ts'

/** All of a client but its secrets; `secret` is the file's own one, undefined for a client that keeps none. */
export interface DescribedClient extends Omit<Client, 'secrets' | 'disabled' | 'disabledBy'> {
  readonly secret?: string | undefined
}

/**
 * Creates the client or makes it what is said here; its ceiling is replaced. A disabled client stays disabled. Secrets end
 * where it authenticates without one: they must not come back with another `token_endpoint_auth_method`. The row's lock makes two of these calls for one client follow each other.
 * @returns whether anything changed; then the change log has it
 */
export async function upsertClient(tx: Tx, keyring: Keyring, client: DescribedClient): Promise<boolean> {
  const { clientId, secret } = client
  const row = await upsertRow(tx, client)
  const ceiling = await replaceCeiling(tx, client)
  const secrets = keepsSecret({ token_endpoint_auth_method: client.tokenEndpointAuthMethod })
    ? secret !== undefined && (await replaceFileSecret(tx, keyring, { clientId, secret }))
    : await endSecrets(tx, clientId)
  const touched = row || ceiling || secrets
  if (touched) await changed(tx, clientId)
  return touched
}

async function upsertRow(tx: Tx, client: DescribedClient): Promise<boolean> {
  const values = {
    client_name: client.clientName,
    organization_id: client.organizationId,
    application_type: client.applicationType,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    grant_types: [...client.grantTypes],
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    token_endpoint_auth_signing_alg: client.tokenEndpointAuthSigningAlg,
    jwks: client.jwks && JSON.stringify(client.jwks),
    jwks_uri: client.jwksUri,
    require_pushed_authorization_requests: client.requirePushedAuthorizationRequests,
    dpop_bound_access_tokens: client.dpopBoundAccessTokens,
    tls_client_auth: client.tlsClientAuth && JSON.stringify(client.tlsClientAuth),
    tls_client_certificate_bound_access_tokens: client.tlsClientCertificateBoundAccessTokens,
    backchannel_logout_uri: client.backchannelLogoutUri,
    backchannel_logout_session_required: client.backchannelLogoutSessionRequired,
    registration: client.registration,
    default_scope: client.defaultScope,
    require_pkce: client.requirePkce,
    require_consent: client.requireConsent,
    id_token_signed_response_alg: client.idTokenSignedResponseAlg,
    introspect: [...client.introspect],
    metadata: JSON.stringify(client.metadata),
  }
  const columns = Object.keys(values)
  const all = (table: string) => sql.join(columns.map(column => sql.ref(`${table}.${column}`)))
  const row = await tx
    .insertInto('client')
    .values({ client_id: client.clientId, ...values, disabled_at: null })
    .onConflict(conflict =>
      conflict
        .column('client_id')
        .doUpdateSet({ ...values, updated_at: sql<Date>`clock_timestamp()` })
        .where(sql<boolean>`(${all('client')}) IS DISTINCT FROM (${all('excluded')})`),
    )
    .returning('client_id')
    .executeTakeFirst()
  return row !== undefined
}

async function replaceCeiling(tx: Tx, { clientId, ceiling }: DescribedClient): Promise<boolean> {
  const pairs = [...ceiling].flatMap(([resource, scopes]) => [...scopes].map(scope => ({ resource, scope })))
  const resources = pairs.map(({ resource }) => resource)
  const scopes = pairs.map(({ scope }) => scope)
  const removed = await sql`
    DELETE FROM client_scope WHERE client_id = ${clientId}
      AND (resource, scope) NOT IN (SELECT * FROM unnest(${resources}::text[], ${scopes}::text[]))
    RETURNING scope
  `.execute(tx)
  const added = await sql`
    INSERT INTO client_scope (client_id, resource, scope)
    SELECT ${clientId}, * FROM unnest(${resources}::text[], ${scopes}::text[])
    ON CONFLICT DO NOTHING RETURNING scope
  `.execute(tx)
  return removed.rows.length + added.rows.length > 0
}
