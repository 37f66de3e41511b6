/**
 * What a key or a personal token may be given: the rules that need nothing but the input and the settings. What its owner
 * may do and what its maker may give is decided in minted-bounds.ts. Every mistake is named at once, by its name on the
 * wire; messages complete the sentence that the path begins.
 */
import type { Config } from '../config.ts'
import { type AddressRange, parseAddressRange } from '../http/address-range.ts'
import { formatPath } from '../http/field-errors.ts'
import type { FieldError } from '../http/problem.ts'
import type { ClientCredentialKind } from './client-credential.ts'
import type { Confirmation } from './kind.ts'
import type { MintedKind, Owner, RateLimit } from './minted-token.ts'

/** undefined: what is usual. */
export interface NewCredential {
  readonly kind: MintedKind | ClientCredentialKind
  readonly owner: Owner
  readonly name: string
  readonly description?: string | null | undefined
  readonly env?: string | undefined
  /** Scope names by resource identifier. */
  readonly scopes: Readonly<Record<string, readonly string[]>>
  readonly notBefore?: Date | null | undefined
  /** null: never, where the operator allows it. */
  readonly expiresAt?: Date | null | undefined
  /** Addresses and CIDR ranges; null: anywhere. */
  readonly allowedAddresses?: readonly string[] | null | undefined
  readonly rateLimit?: RateLimit | null | undefined
  readonly cnf?: Confirmation | null | undefined
}

export interface NewMintedToken extends NewCredential {
  readonly kind: MintedKind
}

const NAME_LENGTH = 200
const DESCRIPTION_LENGTH = 1_000
const MOST_RANGES = 100
const MOST_RESOURCES = 50
const MOST_SCOPES = 500
const MOST_REQUESTS = 1_000_000_000
const MOST_SECONDS = 86_400
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/
const CONFIRMATIONS: readonly string[] = ['jkt', 'x5t#S256']
/** What cannot be seen, or turns text around; a description may have lines. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u

export function mistakesOf(fields: NewCredential, config: Pick<Config, 'environments'>): FieldError[] {
  const { description, env } = fields
  return [
    ...textMistakes('name', fields.name, NAME_LENGTH, 1),
    ...(description
      ? textMistakes('description', description.replace(/[\n\r\t]/g, ' '), DESCRIPTION_LENGTH, 0)
      : []),
    ...(env === undefined || config.environments.includes(env)
      ? []
      : [{ path: 'env', message: `must be ${config.environments.join(' or ')}` }]),
    ...scopeShapeMistakes(fields.scopes),
    ...addressMistakes(fields.allowedAddresses),
    ...rateLimitMistakes(fields.rateLimit),
    ...cnfMistakes(fields.cnf),
    ...dateMistakes(fields),
  ]
}

function textMistakes(path: string, text: string, most: number, least: number): FieldError[] {
  const length = [...text.trim()].length
  if (length < least) return [{ path, message: 'must not be empty' }]
  if (length > most) return [{ path, message: `must have at most ${most} characters` }]
  if (!text.isWellFormed() || UNPRINTABLE.test(text))
    return [{ path, message: 'must not have control characters' }]
  return []
}

function scopeShapeMistakes(scopes: NewCredential['scopes']): FieldError[] {
  const entries = Object.entries(scopes)
  if (entries.length === 0) return [{ path: 'scopes', message: 'must name at least one scope of a resource' }]
  const count = entries.reduce((sum, [, names]) => sum + names.length, 0)
  if (entries.length > MOST_RESOURCES || count > MOST_SCOPES)
    return [
      { path: 'scopes', message: `must have at most ${MOST_RESOURCES} resources and ${MOST_SCOPES} scopes` },
    ]
  return entries.flatMap(([resource, names]) =>
    names.length === 0
      ? [{ path: formatPath(['scopes', resource]), message: 'must name at least one scope' }]
      : [],
  )
}

function addressMistakes(addresses: NewCredential['allowedAddresses']): FieldError[] {
  if (addresses === null || addresses === undefined) return []
  const path = 'allowed_addresses'
  if (addresses.length === 0)
    return [{ path, message: 'must not be empty: leave it out to allow every address' }]
  if (addresses.length > MOST_RANGES) return [{ path, message: `must have at most ${MOST_RANGES} ranges` }]
  return addresses.flatMap((text, index) =>
    parseAddressRange(text)
      ? []
      : [
          {
            path: formatPath([path, index]),
            message: 'must be an address or a CIDR range without bits after its length, such as 192.0.2.0/24',
          },
        ],
  )
}

const isWhole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most

function rateLimitMistakes(limit: NewCredential['rateLimit']): FieldError[] {
  if (!limit) return []
  const mistake = (name: string, most: number) => ({
    path: `rate_limit.${name}`,
    message: `must be a whole number from 1 to ${most}`,
  })
  return [
    ...(isWhole(limit.requests, MOST_REQUESTS) ? [] : [mistake('requests', MOST_REQUESTS)]),
    ...(isWhole(limit.seconds, MOST_SECONDS) ? [] : [mistake('seconds', MOST_SECONDS)]),
  ]
}

function cnfMistakes(cnf: NewCredential['cnf']): FieldError[] {
  if (!cnf) return []
  const entries = Object.entries(cnf)
  if (entries.length === 0) return [{ path: 'cnf', message: `must have ${CONFIRMATIONS.join(' or ')}` }]
  return entries.flatMap(([name, thumbprint]) =>
    CONFIRMATIONS.includes(name) && typeof thumbprint === 'string' && THUMBPRINT.test(thumbprint)
      ? []
      : [
          {
            path: formatPath(['cnf', name]),
            message: `must be ${CONFIRMATIONS.join(' or ')}, and a SHA-256 thumbprint in base64url`,
          },
        ],
  )
}

function dateMistakes({ notBefore, expiresAt }: NewCredential): FieldError[] {
  const times = { not_before: notBefore, expires_at: expiresAt }
  const mistakes = Object.entries(times).flatMap(([path, time]) =>
    time && !isStorableTime(time) ? [{ path, message: 'must be a time until the year 9999' }] : [],
  )
  if (mistakes.length === 0 && notBefore && expiresAt && notBefore >= expiresAt)
    return [{ path: 'not_before', message: 'must be before expires_at' }]
  return mistakes
}

const isStorableTime = (time: Date) => time.getTime() > 0 && time.getTime() < Date.UTC(10_000, 0)

/** @param addresses without mistakes */
export function rangesOf(addresses: readonly string[] | null | undefined): AddressRange[] | null {
  return addresses ? addresses.flatMap(text => parseAddressRange(text) ?? []) : null
}
