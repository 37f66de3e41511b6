/** Ed25519 public keys as people give them: PEM, or a JWK (RFC 8037), as JSON or as its text. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { validationFailed } from '../http/problem.ts'
import type { NewKey } from './signing-material.ts'

/** `x` of its JWK, or why it is none; that completes a sentence, and never repeats what was given. */
type ReadPublicKey = { readonly x: string } | { readonly mistake: string }

const NEITHER = 'must be an Ed25519 public key: PEM, or a JWK'
const PRIVATE = 'must be the public key: this is the private one, which nobody but its owner should have'

/**
 * Points of small order, in hex without the sign: a key of these takes signatures that nobody made. The list is complete,
 * with the spellings beyond the field's size.
 */
const OF_SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

const refused = (message: string) => validationFailed([{ path: 'public_key', message }])

/** `x` of the key that was given; undefined when none was. @throws Problem 400 `validation_failed` at `public_key` */
export function givenPublicKey(given: unknown): string | undefined {
  if (given === undefined) return undefined
  const read = readPublicKey(given)
  if ('mistake' in read) throw refused(read.mistake)
  return read.x
}

/** What a new signing secret is to have. @throws Problem 400 `validation_failed` at `public_key` */
export function newKeyOf(algorithm: NewKey['algorithm'], given: unknown): NewKey {
  const x = givenPublicKey(given)
  if (algorithm === 'ed25519') {
    if (x === undefined) throw refused('is missing: with Ed25519 give the public key')
    return { algorithm, x }
  }
  if (x !== undefined) throw refused('is not for HMAC: the secret is made here')
  return { algorithm }
}

function readPublicKey(given: unknown): ReadPublicKey {
  if (typeof given !== 'string') return fromJwk(given)
  const text = given.trim()
  if (!text.startsWith('{')) return fromPem(text)
  try {
    return fromJwk(JSON.parse(text))
  } catch {
    return { mistake: NEITHER }
  }
}

function fromPem(pem: string): ReadPublicKey {
  if (/PRIVATE KEY/.test(pem)) return { mistake: PRIVATE }
  // One block and nothing else: what stands around it would not be looked at.
  if (!/^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----$/.test(pem))
    return { mistake: NEITHER }
  try {
    return fromKey(createPublicKey(pem))
  } catch {
    return { mistake: NEITHER }
  }
}

function fromJwk(jwk: unknown): ReadPublicKey {
  if (typeof jwk !== 'object' || jwk === null) return { mistake: NEITHER }
  if ('d' in jwk) return { mistake: PRIVATE }
  const { kty, crv, x } = jwk as Record<string, unknown>
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || !/^[\w-]{43}$/.test(x))
    return { mistake: NEITHER }
  try {
    return fromKey(createPublicKey({ key: { kty, crv, x }, format: 'jwk' }))
  } catch {
    return { mistake: NEITHER }
  }
}

function fromKey(key: KeyObject): ReadPublicKey {
  const { x = '' } = key.asymmetricKeyType === 'ed25519' ? key.export({ format: 'jwk' }) : {}
  const point = Buffer.from(x, 'base64url')
  if (point.length !== 32) return { mistake: NEITHER }
  point[31] = (point[31] ?? 0) & 0x7f
  return OF_SMALL_ORDER.has(point.toString('hex')) ? { mistake: 'must not be a point of small order' } : { x }
}
