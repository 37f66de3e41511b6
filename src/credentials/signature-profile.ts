/**
 * The strict profile of signed requests (docs/signed-requests.md): which signatures of RFC 9421 are taken, and for how long. The
 * parts that every request has must be covered, so that nothing of it can be exchanged; what is not known here is refused
 * and not passed over.
 */
import type { BareItem } from '../http/structured-field.ts'
import type { MessageSignature, Mistaken } from './message-signature.ts'

/** What a signature says about itself. */
export interface SignatureClaims {
  readonly keyId: string
  /** Unix seconds. */
  readonly created: number
  readonly expires: number | undefined
  /** As the signer names it; it has to be that of the key. */
  readonly algorithm: string | undefined
}

/** From now on, both ways: clocks of callers go wrong, and what is older is not remembered any more. */
export const WINDOW_SECONDS = 300
/** Between clocks, for an end that a signer has set itself. */
const TOLERANCE_SECONDS = 15

const NEEDED = ['@method', '@authority', '@path', '@query'] as const
const KNOWN_PARAMETERS = new Set(['created', 'expires', 'nonce', 'alg', 'keyid'])
const NONCE = /^[\x20-\x7e]{1,128}$/
const MOST_SECONDS = 999_999_999_999

/** Components and parameters. Whether there is a body to be covered is signed-body.ts's to say. */
export function readClaims({ components, parameters }: MessageSignature): SignatureClaims | Mistaken {
  const missing = NEEDED.find(name => !components.includes(name))
  if (missing) return { mistake: `${missing} is not covered` }
  const unknown = [...parameters.keys()].find(name => !KNOWN_PARAMETERS.has(name))
  if (unknown !== undefined) return { mistake: `the parameter ${unknown} is not taken here` }
  const [created, expires] = [parameters.get('created'), parameters.get('expires')]
  if (!isTime(created)) return { mistake: 'created has to be in Unix seconds' }
  if (expires !== undefined && !isTime(expires)) return { mistake: 'expires has to be in Unix seconds' }
  if (expires !== undefined && (expires <= created || expires > created + WINDOW_SECONDS))
    return { mistake: `expires has to be after created, by at most ${WINDOW_SECONDS} s` }
  const [nonce, keyId, algorithm] = ['nonce', 'keyid', 'alg'].map(name => parameters.get(name))
  if (typeof nonce !== 'string' || !NONCE.test(nonce))
    return { mistake: 'nonce has to be of 1 to 128 characters' }
  if (typeof keyId !== 'string' || keyId === '')
    return { mistake: 'keyid has to be the id of the signing secret' }
  if (algorithm !== undefined && typeof algorithm !== 'string') return { mistake: 'alg has to be a string' }
  return { keyId, created, expires, algorithm }
}

const isTime = (value: BareItem | undefined): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST_SECONDS

/**
 * Until when a request is taken that was signed then, in Unix seconds.
 * @param now in Unix seconds, with fractions
 * @returns undefined: too old already, or from the future
 */
export function takenUntil(
  { created, expires }: Pick<SignatureClaims, 'created' | 'expires'>,
  now: number,
): number | undefined {
  const last = created + WINDOW_SECONDS
  const until = expires === undefined ? last : Math.min(last, expires + TOLERANCE_SECONDS)
  return created - WINDOW_SECONDS <= now && now <= until ? until : undefined
}
