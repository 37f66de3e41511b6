/** The document of a status list: bits, compressed, signed (draft-ietf-oauth-status-list, sections 4 and 5). */
import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { importJWK, SignJWT } from 'jose'
import type { IndexRange } from './revoked-indexes.ts'
import type { SigningKey } from './signing-keys.ts'
import { LIST_CAPACITY } from './status-reference.ts'

/** Seconds after which who keeps a copy should fetch it again. */
export const STATUS_TTL = 60
/** Seconds after which a copy counts for nothing: whoever cannot reach us refuses from then on. */
export const STATUS_LIFETIME = 300

const compress = promisify(deflate)

/** One bit for each index, the first of a byte is its lowest: 0 is valid, 1 invalid. */
export function statusBits(revoked: Iterable<IndexRange>): Buffer {
  const bits = Buffer.alloc(LIST_CAPACITY / 8)
  for (const { first, size } of revoked)
    for (let idx = first; idx < first + size; idx++) bits[idx >> 3] = (bits[idx >> 3] ?? 0) | (1 << (idx & 7))
  return bits
}

export interface StatusDocument {
  readonly uri: string
  readonly aggregationUri: string
  readonly bits: Buffer
  /** When it was asked what is revoked. */
  readonly issuedAt: Date
}

/** A JWT of the type `statuslist+jwt`. */
export async function signStatusDocument(key: SigningKey, document: StatusDocument): Promise<string> {
  const lst = (await compress(document.bits)).toString('base64url')
  const status_list = { bits: 1, lst, aggregation_uri: document.aggregationUri }
  const issuedAt = Math.floor(document.issuedAt.getTime() / 1000)
  return new SignJWT({ status_list, ttl: STATUS_TTL })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'statuslist+jwt' })
    .setSubject(document.uri)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + STATUS_LIFETIME)
    .sign(await importJWK(key.privateJwk, key.alg))
}
