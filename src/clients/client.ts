/**
 * The clients room: OAuth clients, what they may ask for at most (their ceiling) and their secrets. It does not decide
 * who may do what (resources/permission.ts) and speaks no protocol (oidc). Called by oidc, verify and admin.
 *
 * Every write here is made with a `client` row in the change log, in the same transaction (see `changed`).
 */
import type { JSONWebKeySet } from 'jose'
import { type RawBuilder, sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { SigningAlg } from '../secrets/signing-alg.ts'
import type {
  ApplicationType,
  ClientRegistration,
  DisabledBy,
  TlsClientAuth,
  TokenEndpointAuthMethod,
} from './tables.ts'

/** One secret that is neither revoked nor was expired when it was read. */
export interface ClientSecret {
  readonly id: string
  readonly hash: Buffer
  readonly pepperId: string
  readonly expiresAt: Date | null
}

/** RFC 7591 metadata that is only shown to people. */
export interface ShownMetadata {
  readonly client_uri?: string | undefined
  readonly logo_uri?: string | undefined
  readonly policy_uri?: string | undefined
  readonly tos_uri?: string | undefined
  readonly contacts?: readonly string[] | undefined
}

export interface Client {
  readonly clientId: string
  readonly clientName: string
  readonly organizationId: string | null
  readonly applicationType: ApplicationType
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod
  /** The only `alg` of its assertions; null: any that is offered. */
  readonly tokenEndpointAuthSigningAlg: string | null
  /** Its public keys, or where they are. */
  readonly jwks: JSONWebKeySet | null
  readonly jwksUri: string | null
  readonly requirePushedAuthorizationRequests: boolean
  readonly dpopBoundAccessTokens: boolean
  /** With tls_client_auth; else null. */
  readonly tlsClientAuth: TlsClientAuth | null
  readonly tlsClientCertificateBoundAccessTokens: boolean
  readonly backchannelLogoutUri: string | null
  readonly backchannelLogoutSessionRequired: boolean
  /** 'dynamic' and 'metadata_document': nobody here knows who made it. */
  readonly registration: ClientRegistration
  readonly defaultScope: string | null
  readonly requirePkce: boolean
  readonly requireConsent: boolean
  readonly idTokenSignedResponseAlg: SigningAlg
  /** Resources this client is the server of. */
  readonly introspect: readonly string[]
  readonly metadata: ShownMetadata
  readonly disabled: boolean
  /** null unless it is disabled */
  readonly disabledBy: DisabledBy | null
  /** Resource → the scopes the client can have there at most. */
  readonly ceiling: ReadonlyMap<string, ReadonlySet<string>>
  readonly secrets: readonly ClientSecret[]
}

/** Reads one client with its ceiling and its living secrets, in one query. Disabled clients are found too. */
export async function findClient(db: Db | Tx, clientId: string): Promise<Client | undefined> {
  const row = await selectClients(db).where('client.client_id', '=', clientId).executeTakeFirst()
  return row && toClient(row)
}

/** All clients, by name. For the console: one query, however many there are. */
export async function listClients(db: Db | Tx): Promise<Client[]> {
  const rows = await selectClients(db).orderBy('client.client_name').orderBy('client.client_id').execute()
  return rows.map(toClient)
}

/** Tells every node that what it remembers of the client is no longer true. */
export async function changed(tx: Tx, clientId: string): Promise<void> {
  await appendChange(tx, 'client', { client_id: clientId })
}

/** A subquery for other statements, to be read with `toClient`: null when there is no such client. */
export function clientJson(db: Db | Tx, clientId: RawBuilder<unknown>) {
  return sql<ClientRow | null>`(SELECT to_jsonb(c) FROM (${selectClients(db)}) AS c WHERE c.client_id = ${clientId})`
}

type ClientRow = Awaited<ReturnType<ReturnType<typeof selectClients>['executeTakeFirstOrThrow']>>

export function selectClients(db: Db | Tx) {
  return db
    .selectFrom('client')
    .selectAll('client')
    .select([
      sql<Record<string, string[]> | null>`(
      SELECT jsonb_object_agg(resource, scopes) FROM (
        SELECT resource, jsonb_agg(scope ORDER BY scope) AS scopes FROM client_scope
        WHERE client_scope.client_id = client.client_id GROUP BY resource
      ) AS per_resource
    )`.as('ceiling'),
      sql<{ id: string; hash: string; pepper_id: string; expires_at: string | null }[] | null>`(
      SELECT jsonb_agg(jsonb_build_object(
        'id', id, 'hash', encode(hash, 'hex'), 'pepper_id', pepper_id, 'expires_at', expires_at
      ) ORDER BY id) FROM client_secret
      WHERE client_secret.client_id = client.client_id AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > clock_timestamp())
    )`.as('secrets'),
    ])
}

/** @param row of a statement, or as JSON */
export function toClient(row: ClientRow): Client {
  return {
    clientId: row.client_id,
    clientName: row.client_name,
    organizationId: row.organization_id,
    applicationType: row.application_type,
    redirectUris: row.redirect_uris,
    postLogoutRedirectUris: row.post_logout_redirect_uris,
    grantTypes: row.grant_types,
    tokenEndpointAuthMethod: row.token_endpoint_auth_method,
    tokenEndpointAuthSigningAlg: row.token_endpoint_auth_signing_alg,
    jwks: row.jwks,
    jwksUri: row.jwks_uri,
    requirePushedAuthorizationRequests: row.require_pushed_authorization_requests,
    dpopBoundAccessTokens: row.dpop_bound_access_tokens,
    tlsClientAuth: row.tls_client_auth,
    tlsClientCertificateBoundAccessTokens: row.tls_client_certificate_bound_access_tokens,
    backchannelLogoutUri: row.backchannel_logout_uri,
    backchannelLogoutSessionRequired: row.backchannel_logout_session_required,
    registration: row.registration,
    defaultScope: row.default_scope,
    requirePkce: row.require_pkce,
    requireConsent: row.require_consent,
    idTokenSignedResponseAlg: row.id_token_signed_response_alg,
    introspect: row.introspect,
    metadata: row.metadata as ShownMetadata,
    disabled: row.disabled_at !== null,
    disabledBy: row.disabled_at === null ? null : (row.disabled_by ?? 'administrator'),
    ceiling: new Map(
      Object.entries(row.ceiling ?? {}).map(([resource, scopes]) => [resource, new Set(scopes)]),
    ),
    secrets: (row.secrets ?? []).map(secret => ({
      id: secret.id,
      hash: Buffer.from(secret.hash, 'hex'),
      pepperId: secret.pepper_id,
      expiresAt: secret.expires_at === null ? null : new Date(secret.expires_at),
    })),
  }
}
