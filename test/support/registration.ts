// A client that registers itself, and an operator who lets it.
import { sql } from 'kysely'
import type { Db } from '../../src/db/connect.ts'
import type { TestApp } from './app.ts'
import { ORDERS } from './orders.ts'

export const INITIAL_TOKEN = 'an-initial-access-token-for-tests-0123456789'
/** It names no resource. */
export const BARE_TOKEN = 'a-bare-initial-access-token-for-tests-0123456789'
export const EXPIRED_TOKEN = 'an-expired-initial-access-token-for-tests-0123'

export const INITIAL_ACCESS_TOKENS = [
  { name: 'partners', token: INITIAL_TOKEN, resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'] } },
  { name: 'bare', token: BARE_TOKEN },
  { name: 'over', token: EXPIRED_TOKEN, expires_at: '2020-01-01T00:00:00Z' },
]

export const REDIRECT_URI = 'https://app.partner.example/callback'

export interface RegistrationAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown> & {
    readonly client_id: string
    readonly client_secret?: string
    readonly registration_access_token: string
    readonly registration_client_uri: string
    readonly error?: string
    readonly error_description?: string
  }
}

export async function send(
  url: string,
  method: string,
  {
    token,
    body,
    headers,
  }: { token?: string | undefined; body?: unknown; headers?: Record<string, string> } = {},
): Promise<RegistrationAnswer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

/** @param token undefined: none is sent */
export const register = (
  { issuer }: Pick<TestApp, 'issuer'>,
  metadata: unknown = { redirect_uris: [REDIRECT_URI] },
  token: string | undefined = INITIAL_TOKEN,
  headers: Record<string, string> = {},
) => send(`${issuer}/register`, 'POST', { token, body: metadata, headers })

/** More clients that nobody has used, from the network of `like` or from others. */
export async function fillQuota(
  db: Db,
  like: string,
  count: number,
  { elsewhere = false }: { elsewhere?: boolean } = {},
): Promise<void> {
  const source = elsewhere ? sql`sha256(n::text::bytea)` : sql`source_hash`
  await sql`
    WITH filler AS (
      INSERT INTO client (client_id, client_name, grant_types, token_endpoint_auth_method, metadata, registration)
      SELECT 'filler-' || n, 'Filler', '{authorization_code}', 'none', '{}', 'dynamic' FROM generate_series(1, ${count}) AS n
      RETURNING client_id
    )
    INSERT INTO client_registration (client_id, token_hash, pepper_id, source_hash)
    SELECT 'filler-' || n, '\\x00', '', ${source}
    FROM generate_series(1, ${count}) AS n, client_registration WHERE client_id = ${like} AND (SELECT count(*) FROM filler) > 0
  `.execute(db)
}
