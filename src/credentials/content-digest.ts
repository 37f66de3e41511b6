/**
 * The digest of a body (RFC 9530): what stands in `Content-Digest`, so that a signature over the head of a request holds
 * its body too. SHA-256 and SHA-512 count; digests of other algorithms may stand beside them and prove nothing.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { serializeDictionary } from 'structured-headers'
import { bytesOf, type Item, readDictionary } from '../http/structured-field.ts'

export type DigestAlgorithm = 'sha-256' | 'sha-512'
/** By algorithm; never empty. */
export type Digests = ReadonlyMap<DigestAlgorithm, Buffer>

const LENGTHS: Readonly<Record<DigestAlgorithm, number>> = { 'sha-256': 32, 'sha-512': 64 }

const isKnown = (algorithm: string): algorithm is DigestAlgorithm => Object.hasOwn(LENGTHS, algorithm)

/** @returns undefined for what is malformed, or has no digest that counts */
export function readContentDigest(field: string): Digests | undefined {
  const digests = new Map<DigestAlgorithm, Buffer>()
  for (const [algorithm, member] of readDictionary(field) ?? []) {
    const digest = bytesOf(member)
    if (!digest) return undefined
    if (!isKnown(algorithm)) continue
    if (digest.length !== LENGTHS[algorithm]) return undefined
    digests.set(algorithm, digest)
  }
  return digests.size > 0 ? digests : undefined
}

export function writeContentDigest(digests: Digests): string {
  const items = [...digests].map(([algorithm, digest]): [string, Item] => [
    algorithm,
    [new Uint8Array(digest), new Map()],
  ])
  return serializeDictionary(new Map(items))
}

export function digestOf(body: Buffer, algorithm: DigestAlgorithm): Buffer {
  return createHash(algorithm.replace('-', '')).update(body).digest()
}

/** Every digest is that of the body. */
export function isDigestOf(digests: Digests, body: Buffer): boolean {
  return [...digests].every(([algorithm, digest]) => timingSafeEqual(digest, digestOf(body, algorithm)))
}

/** They can be compared, and say the same wherever they can. */
export function agree(some: Digests, others: Digests): boolean {
  const common = [...some].filter(([algorithm]) => others.has(algorithm))
  return common.length > 0 && common.every(([algorithm, digest]) => others.get(algorithm)?.equals(digest))
}
