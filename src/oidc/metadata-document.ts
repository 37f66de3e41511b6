/**
 * A document with which a client describes itself (draft-ietf-oauth-client-id-metadata-document), fetched and checked. It
 * must pass what an open registration must pass (registration-metadata.ts), and it has no secrets: such a client is
 * public, or proves itself with a key (private_key_jwt).
 */
import type { DescribedClient } from '../clients/upsert-client.ts'
import { parseJson } from '../http/json-text.ts'
import type { Outbound } from '../http/outbound.ts'
import { Problem } from '../http/problem.ts'
import { type Item, recordOf, textsOf } from '../http/unknown-value.ts'
import { readMetadata } from './registration-metadata.ts'

export interface ReadDocument {
  readonly client: DescribedClient
  /** Seconds until it is read again. */
  readonly freshFor: number
}

/** The draft recommends 5 kB; keys take room. */
const MOST_CHARACTERS = 16 * 1024
const LIMITS = { depth: 6, keys: 200 }
const LEAST_FRESH = 5 * 60
const MOST_FRESH = 24 * 3600
const USUAL_FRESH = 3600

const AUTH_METHODS: readonly unknown[] = ['none', 'private_key_jwt']
const SECRETS: readonly string[] = ['client_secret', 'client_secret_expires_at']
/** What such a client may have. A document is for many servers: what else it lists is for others. */
const GRANT_TYPES: readonly string[] = ['authorization_code', 'refresh_token']
const NOBODY_KNOWS_IT = { ceiling: new Map(), open: true }

const refused = (message: string) =>
  new Problem(400, 'invalid_client_metadata', `The document at this client_id ${message}.`)

/**
 * @param openScopes names of scopes that are open to every client which registered itself
 * @throws Problem 400 with what is wrong; one and the same for everything that is no document
 */
export async function readDocument(
  outbound: Outbound,
  clientId: string,
  openScopes: ReadonlySet<string>,
): Promise<ReadDocument> {
  const answer = await outbound(clientId, { headers: { accept: 'application/json' } }).catch(() => undefined)
  const type = answer?.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (answer?.status !== 200 || !/^application\/(?:[\w.-]+\+)?json$/.test(type))
    throw refused('could not be read')
  const client = describe(clientId, itemOf(await answer.text()), openScopes)
  return { client, freshFor: freshFor(answer.headers) }
}

function itemOf(text: string): Item {
  if (text.length > MOST_CHARACTERS) throw refused(`is longer than ${MOST_CHARACTERS} characters`)
  const item = recordOf(parseJson(text.replace(/^\uFEFF/, ''), LIMITS))
  if (!item) throw refused('is not a JSON object')
  return item
}

function describe(clientId: string, sent: Item, openScopes: ReadonlySet<string>): DescribedClient {
  if (sent.client_id !== clientId) throw refused('names another client_id')
  const secret = SECRETS.find(key => sent[key] !== undefined)
  if (secret !== undefined) throw refused(`has ${secret}: anybody can read it`)
  const method = sent.token_endpoint_auth_method ?? 'none'
  if (!AUTH_METHODS.includes(method))
    throw refused('must have the token_endpoint_auth_method none or private_key_jwt')
  const item = {
    ...sent,
    token_endpoint_auth_method: method,
    application_type: sent.application_type ?? usualType(sent),
    ...(Array.isArray(sent.grant_types) && {
      grant_types: sent.grant_types.filter(type => typeof type !== 'string' || GRANT_TYPES.includes(type)),
    }),
    ...(Array.isArray(sent.response_types) && {
      response_types: sent.response_types.filter(type => typeof type !== 'string' || type === 'code'),
    }),
  }
  return {
    ...readMetadata(item, clientId, { ...NOBODY_KNOWS_IT, openScopes }),
    registration: 'metadata_document',
  }
}

/** A loopback address is for an application on somebody's machine: it cannot know its port before (RFC 8252, section 7.3). */
const usualType = (sent: Item) =>
  textsOf(sent.redirect_uris).some(uri => uri.startsWith('http:')) ? 'native' : 'web'

/** RFC 9111, as far as it says for how long. */
function freshFor(headers: Headers): number {
  const caching = headers.get('cache-control') ?? ''
  const seconds = /(?:^|[\s,])(?:no-store|no-cache)(?:$|[\s,=])/i.test(caching)
    ? 0
    : (maxAge(caching, headers.get('age')) ?? untilExpiry(headers) ?? USUAL_FRESH)
  return Math.min(MOST_FRESH, Math.max(LEAST_FRESH, seconds))
}

function maxAge(caching: string, age: string | null): number | undefined {
  const [, seconds] = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})/i.exec(caching) ?? []
  return seconds === undefined ? undefined : Number(seconds) - (/^\d{1,9}$/.test(age ?? '') ? Number(age) : 0)
}

function untilExpiry(headers: Headers): number | undefined {
  const expires = Date.parse(headers.get('expires') ?? '')
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(expires) || Number.isNaN(date) ? undefined : (expires - date) / 1000
}
