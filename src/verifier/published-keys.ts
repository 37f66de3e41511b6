/** Latchkey's metadata (RFC 8414) and its published keys, kept for as long as its cache headers say. */
import { type Claims, type JwtType, type KeySet, keySetFrom, verifyJws } from './jws.ts'
import { keep, type Loaded } from './kept.ts'
import { type Fetch, jsonOf, maxAgeMs, reach } from './reach.ts'
import { Unavailable } from './refusal.ts'

export interface PublishedKeys {
  /** The keys of now when nobody has to be asked for them. The same object as long as they are the same. */
  fresh(): KeySet | undefined
  /** @throws Unavailable */
  get(): Promise<KeySet>
  /** Undefined: it is not signed by Latchkey, or malformed. @throws Unavailable */
  verify(token: string, type: JwtType): Promise<Claims | undefined>
  tokenEndpoint(): Promise<string>
  distrust(): void
}

export interface PublishedKeysOptions {
  readonly issuer: string
  readonly fetch: Fetch
  readonly now: () => number
  readonly report: (error: unknown) => void
  /** How much longer than their cache headers say keys are used while Latchkey cannot be reached. */
  readonly maxStaleMs: number
}

const MINUTE = 60_000
/** Without cache headers. */
const USUAL_MS = 5 * MINUTE
const LEAST_MS = 5_000
const MOST_MS = 24 * 60 * MINUTE
/** A token with a `kid` that nobody knows makes everybody's next token wait: not more often than this. */
const UNKNOWN_KEY_PAUSE_MS = 5_000

interface Document<T> {
  readonly value: T
  readonly text: string
  readonly etag: string | null
}

export function publishedKeys(options: PublishedKeysOptions): PublishedKeys {
  const { issuer, fetch, now, maxStaleMs } = options
  const keptFor = (freshMs: number) => ({ freshMs, usableUntil: now() + freshMs + maxStaleMs })

  const metadata = keep(async () => {
    const url = `${issuer}/.well-known/oauth-authorization-server`
    const reached = await reach(fetch, url)
    const found = jsonOf(url, reached)
    const { jwks_uri, token_endpoint } = found
    if (found.issuer !== issuer || typeof jwks_uri !== 'string' || typeof token_endpoint !== 'string')
      throw new Unavailable(`${url} is not the metadata of ${issuer}`)
    return { value: { jwks_uri, token_endpoint }, ...keptFor(freshness(reached.headers)) }
  }, options)

  const keys = keep(async (previous: Document<KeySet> | undefined): Promise<Loaded<Document<KeySet>>> => {
    const { jwks_uri: url } = await metadata.get()
    const etag = previous?.etag
    const reached = await reach(fetch, url, etag ? { headers: { 'if-none-match': etag } } : {})
    const kept = keptFor(freshness(reached.headers))
    const { text } = reached
    if (previous && (reached.status === 304 || text === previous.text)) return { value: previous, ...kept }
    const value = keySetFrom(jsonOf(url, reached))
    if (!value) throw new Unavailable(`${url} has no keys`)
    return { value: { value, text, etag: reached.headers.get('etag') }, ...kept }
  }, options)

  return {
    fresh: () => keys.fresh()?.value,
    get: async () => (await keys.get()).value,

    async verify(token, type) {
      const claims = verifyJws(token, type, (await keys.get()).value)
      if (claims !== 'unknown_key') return claims
      const renewed = await keys.renew(UNKNOWN_KEY_PAUSE_MS)
      const again = renewed && verifyJws(token, type, renewed.value)
      return again === 'unknown_key' ? undefined : again
    },

    tokenEndpoint: async () => (await metadata.get()).token_endpoint,
    distrust: () => keys.distrust(),
  }
}

const freshness = (headers: Headers) => Math.min(Math.max(maxAgeMs(headers) ?? USUAL_MS, LEAST_MS), MOST_MS)
