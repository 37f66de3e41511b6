/** Keys and personal tokens for the bench, written straight into the tables, and a server's token to ask about them. */
import { newId } from '../src/db/id.ts'
import { hashSecret } from '../src/secrets/hash.ts'
import { mint } from '../src/secrets/minted-format.ts'
import { CLIENT_SECRET, CLIENTS, RESOURCE, type Setting } from './setting.ts'

const SCOPES = { [RESOURCE]: ['read:bench'] }

type Owner = { readonly client_id: string } | { readonly account_id: string }

/** One key of each of so many clients. */
export function mintKeys(setting: Setting, count: number): Promise<string[]> {
  const owners = Array.from({ length: count }, (_, index) => ({ client_id: `bench-${index % CLIENTS}` }))
  return mintFor(setting, 'key', owners)
}

/** One token of each of so many new accounts. */
export async function mintPersonalTokens(setting: Setting, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, newId)
  const accounts = ids.map(id => ({ id, username: `bench-${id}`, name: 'Bench' }))
  await setting.db.insertInto('account').values(accounts).execute()
  return mintFor(
    setting,
    'pat',
    ids.map(account_id => ({ account_id })),
  )
}

async function mintFor(
  { db, keyring }: Setting,
  kind: 'key' | 'pat',
  owners: readonly Owner[],
): Promise<string[]> {
  const made = owners.map(owner => ({ owner, ...mint({ prefix: 'lk', env: 'live', kind }) }))
  const rows = made.map(({ owner, id, last4, token }) => {
    const { hash, pepperId } = hashSecret(keyring, token)
    const secret = { secret_hash: hash, hashed_with: pepperId, prefix: 'lk', last4 }
    return { id, ...owner, ...secret, env: 'live', name: 'Bench', scopes: JSON.stringify(SCOPES) }
  })
  await db.insertInto('minted_token').values(rows).execute()
  return made.map(({ token }) => token)
}

/** An access token of a client that is the server of the bench's resource, to be asked for at the first node. */
export async function clientToken({ issuer }: Setting, params: Record<string, string>): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`bench-0:${CLIENT_SECRET}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...params }),
  })
  if (response.status !== 200) throw new Error(`no token but ${response.status} ${await response.text()}`)
  return ((await response.json()) as { access_token: string }).access_token
}

/** With it /v1/verify may be asked. */
export const verifierToken = (setting: Setting) =>
  clientToken(setting, { resource: `${setting.issuer}/v1`, scope: 'verify' })
