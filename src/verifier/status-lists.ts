/**
 * Token Status Lists (draft-ietf-oauth-status-list): one bit for each JWT says whether it was revoked. A list is kept for its
 * `ttl`, renewed in the background before that is over, and never used after its `exp`.
 */
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import type { Claims } from './jws.ts'
import { type Kept, keep, type Loaded } from './kept.ts'
import type { PublishedKeys } from './published-keys.ts'
import { type Fetch, reach } from './reach.ts'
import { Unavailable } from './refusal.ts'

export interface StatusReference {
  readonly idx: number
  readonly uri: string
}

export interface StatusLists {
  /**
   * Whether the token is still valid. Without a promise when its list is at hand.
   * @throws Unavailable when its list cannot be had
   */
  isValid(status: StatusReference): boolean | Promise<boolean>
  distrust(): void
}

interface StatusList {
  readonly bits: number
  readonly bytes: Uint8Array
}

export interface StatusListsOptions {
  readonly issuer: string
  readonly keys: PublishedKeys
  readonly fetch: Fetch
  readonly now: () => number
  readonly report: (error: unknown) => void
}

const TYPE = 'statuslist+jwt'
/** Without a `ttl`. */
const USUAL_SECONDS = 60
const MOST_SECONDS = 24 * 60 * 60
const MOST_BYTES = 4 * 1024 * 1024
const MANY_LISTS = 64
const inflateAsync = promisify(inflate)

export function statusLists({ issuer, keys, fetch, now, report }: StatusListsOptions): StatusLists {
  const lists = new Map<string, Kept<StatusList>>()

  function listAt(uri: string): Kept<StatusList> {
    const known = lists.get(uri)
    if (known) return known
    if (lists.size >= MANY_LISTS) for (const [other, list] of lists) if (list.isOver()) lists.delete(other)
    const list = keep(() => load(uri), { now, report })
    lists.set(uri, list)
    return list
  }

  async function load(uri: string): Promise<Loaded<StatusList>> {
    const { status, text } = await reach(fetch, uri, { headers: { accept: `application/${TYPE}` } })
    if (status !== 200) throw new Unavailable(`${uri} answers ${status}`)
    const claims = await keys.verify(text.trim(), TYPE)
    if (!claims || claims.sub !== uri) throw new Unavailable(`${uri} is not a status list of ${issuer}`)
    const { exp, ttl } = claims
    const seconds = Math.min(typeof ttl === 'number' && ttl > 0 ? ttl : USUAL_SECONDS, MOST_SECONDS)
    const ends = typeof exp === 'number' ? exp * 1000 : now() + seconds * 1000
    if (now() >= ends) throw new Unavailable(`${uri} has expired`)
    return {
      value: await listFrom(claims, uri),
      freshMs: Math.min(seconds * 1000, ends - now()),
      usableUntil: ends,
    }
  }

  return {
    isValid({ idx, uri }) {
      const list = listAt(uri)
      const fresh = list.fresh()
      return fresh ? statusAt(fresh, idx) === 0 : list.get().then(found => statusAt(found, idx) === 0)
    },
    distrust() {
      for (const list of lists.values()) list.distrust()
    },
  }
}

async function listFrom({ status_list }: Claims, uri: string): Promise<StatusList> {
  const { bits, lst } = Object(status_list) as Record<string, unknown>
  if (typeof bits !== 'number' || ![1, 2, 4, 8].includes(bits) || typeof lst !== 'string')
    throw new Unavailable(`${uri} has no status list`)
  try {
    const bytes = await inflateAsync(Buffer.from(lst, 'base64url'), { maxOutputLength: MOST_BYTES })
    return { bits, bytes }
  } catch (cause) {
    throw new Unavailable(`${uri} has a status list that cannot be read`, cause)
  }
}

/** 0 is VALID. An index outside of the list has no status at all, which is not valid. */
function statusAt({ bits, bytes }: StatusList, idx: number): number {
  const perByte = 8 / bits
  const byte = bytes[Math.floor(idx / perByte)]
  if (byte === undefined) return -1
  // The first entry is in the lowest bits.
  return (byte >> ((idx % perByte) * bits)) & ((1 << bits) - 1)
}

/**
 * The reference of a token.
 * @returns undefined when it has none, 'malformed' when it has one that nobody can follow: only Latchkey's own lists count
 */
export function statusOf({ status }: Claims, issuer: string): StatusReference | 'malformed' | undefined {
  if (status === undefined) return undefined
  const { status_list } = Object(status) as Record<string, unknown>
  const { idx, uri } = Object(status_list) as Record<string, unknown>
  const isReference = typeof idx === 'number' && Number.isSafeInteger(idx) && idx >= 0
  if (!isReference || typeof uri !== 'string' || !uri.startsWith(`${issuer}/`)) return 'malformed'
  return { idx, uri }
}
