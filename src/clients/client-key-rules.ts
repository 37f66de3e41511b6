/**
 * The keys of a client that signs assertions instead of sending a secret (private_key_jwt, RFC 7523): public ones, and at
 * least one that can be used. Keys for other uses may stand beside it (RFC 7517, section 5). Values of a wrong type are
 * passed over: the schema speaks of those.
 */
import { type AsymmetricKeyDetails, createPublicKey } from 'node:crypto'
import { type Item, recordOf, textOf, textsOf } from '../http/unknown-value.ts'
import { RSA_BITS, RSA_EXPONENT_BELOW } from '../secrets/rsa-bounds.ts'
import type { KeyMistake } from './client-rules.ts'
import { ASSERTION_ALGS } from './client-schema.ts'

type AssertionAlg = (typeof ASSERTION_ALGS)[number]

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
/** What a public key of each type is made of; the library insists on it. Types that are not here it passes over. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['n', 'e'],
  AKP: ['alg', 'pub'],
}
const TYPE_OF: Readonly<Record<AssertionAlg, { readonly kty: string; readonly crv?: string }>> = {
  ES256: { kty: 'EC', crv: 'P-256' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
  RS256: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
}

export function keyMistakes(client: Item): KeyMistake[] {
  const signs = client.token_endpoint_auth_method === 'private_key_jwt'
  const given = (key: string) => client[key] !== undefined && client[key] !== null
  const found: KeyMistake[] = []
  if (given('token_endpoint_auth_signing_alg') && !signs)
    found.push({
      key: ['token_endpoint_auth_signing_alg'],
      message: 'is for token_endpoint_auth_method private_key_jwt only',
    })
  if (given('jwks') && given('jwks_uri'))
    found.push({ key: ['jwks_uri'], message: 'cannot be given together with jwks: keep one' })
  if (signs && !given('jwks') && !given('jwks_uri'))
    found.push({
      key: ['jwks'],
      message: 'is missing: private_key_jwt needs the public keys here, or their address in jwks_uri',
    })
  const only = ASSERTION_ALGS.filter(alg => alg === client.token_endpoint_auth_signing_alg)
  return [...found, ...setMistakes(client.jwks, signs ? (only.length > 0 ? only : ASSERTION_ALGS) : [])]
}

/** @param algs one of which a key of the set must do for; empty: whatever is in it */
function setMistakes(jwks: unknown, algs: readonly AssertionAlg[]): KeyMistake[] {
  const list = recordOf(jwks)?.keys
  if (!Array.isArray(list) || list.length === 0) return []
  const keys = list.map(recordOf)
  const mistakes = keys.flatMap((key, index) => {
    const { member, message } = (key && keyMistake(key)) ?? {}
    return message === undefined
      ? []
      : [{ key: ['jwks', 'keys', index, ...(member ? [member] : [])], message }]
  })
  const isReadable = keys.every(key => textOf(key?.kty))
  if (mistakes.length > 0 || algs.length === 0 || !isReadable) return mistakes
  if (keys.some(key => key && algs.some(alg => isFor(key, alg)))) return []
  return [
    {
      key: ['jwks', 'keys'],
      message: `has no key for ${algs.join(', ')}: give an EC key on P-256, an OKP key on Ed25519 or an RSA key, for signatures`,
    },
  ]
}

function keyMistake(key: Item): { member?: string; message: string } | undefined {
  const kty = textOf(key.kty)
  if (kty === 'oct')
    return { member: 'kty', message: 'must not be oct: whoever reads a symmetric key can sign with it' }
  const secret = PRIVATE_MEMBERS.find(member => key[member] !== undefined)
  if (secret !== undefined)
    return {
      member: secret,
      message: 'is part of a private key: give the public key only, and replace this one',
    }
  const members = kty === undefined ? undefined : MEMBERS[kty]
  if (!members) return undefined
  const missing = members.find(member => !textOf(key[member]))
  if (missing !== undefined)
    return { member: missing, message: key[missing] === undefined ? 'is missing' : 'must be text' }
  if (kty !== 'RSA' && !Object.values(TYPE_OF).some(({ crv }) => crv === key.crv)) return undefined
  return importMistake(key, members)
}

/** Points that are on no curve, numbers that are none. */
function importMistake(
  key: Item,
  members: readonly string[],
): { member?: string; message: string } | undefined {
  const details = detailsOf(key, members)
  if (details === undefined) return { message: 'is not a public key that can be read' }
  const { modulusLength: bits, publicExponent = 0n } = details
  if (bits !== undefined && (bits < RSA_BITS.least || bits > RSA_BITS.most))
    return { message: `must have ${RSA_BITS.least} to ${RSA_BITS.most} bits: it has ${bits}` }
  if (publicExponent >= RSA_EXPONENT_BELOW)
    return { member: 'e', message: 'is larger than what is taken here: use 65537' }
  return undefined
}

function detailsOf(key: Item, members: readonly string[]): AsymmetricKeyDetails | undefined {
  const jwk = Object.fromEntries(['kty', ...members].map(member => [member, textOf(key[member])]))
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyDetails ?? {}
  } catch {
    return undefined
  }
}

/** As the library chooses a key to verify with. */
function isFor(key: Item, alg: AssertionAlg): boolean {
  const type = TYPE_OF[alg]
  return (
    key.kty === type.kty &&
    (type.crv === undefined || key.crv === type.crv) &&
    (key.alg === undefined || key.alg === alg) &&
    (key.use === undefined || key.use === 'sig') &&
    (!Array.isArray(key.key_ops) || textsOf(key.key_ops).includes('verify'))
  )
}
