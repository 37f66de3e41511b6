/**
 * The format of the tokens we mint ourselves: `<prefix>_<env>_<kind>_<id>_<secret><crc>` (docs/token-format.md has it with
 * a test vector). A double click selects all of it, scanners find it by its prefix, and anybody can refuse a mistyped one
 * without asking: the last six characters are the CRC-32 of everything before them.
 */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

export interface MintedParts {
  /** The operator's: a lower-case letter, then 1 to 15 lower-case letters or digits. */
  readonly prefix: string
  readonly env: string
  readonly kind: MintedFormatKind
  /** Public: 16 characters. */
  readonly id: string
}

export type MintedFormatKind = 'key' | 'pat'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_LENGTH = 16
const SECRET_BYTES = 32
const SECRET_LENGTH = 43
const CRC_LENGTH = 6

const FORMAT = /^([a-z][a-z0-9]{1,15})_(live|test)_(key|pat)_([0-9A-Za-z]{16})_[0-9A-Za-z]{49}$/
const LOOKS_MINTED = /^[a-z][a-z0-9]{1,15}_[a-z0-9-]+_(key|pat)_/

/** Base62, big-endian, left-padded with `0`. */
export function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; rest > 0n; rest /= 62n) text = (DIGITS[Number(rest % 62n)] ?? '') + text
  return text.padStart(length, '0')
}

/** The same for a CRC, which every verification works out. */
function crcOf(text: string): string {
  let digits = ''
  for (let rest = crc32(text), left = CRC_LENGTH; left > 0; left--, rest = Math.floor(rest / 62))
    digits = (DIGITS[rest % 62] ?? '') + digits
  return digits
}

const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`)

/** 95 bits fit into 16 digits: 48 of time, so that new rows stand together, and 47 that nobody can foresee. */
export function newMintedId(): string {
  const random = numberOf(randomBytes(6)) >> 1n
  return base62((BigInt(Date.now()) << 47n) | random, ID_LENGTH)
}

/** An id that follows from `bytes` (at least 12 of them), for tokens that have none. */
export function mintedIdFrom(bytes: Buffer): string {
  return base62(numberOf(bytes.subarray(0, 12)) >> 1n, ID_LENGTH)
}

/** @param secret 32 bytes */
export function formatMinted({ prefix, env, kind, id }: MintedParts, secret: Buffer): string {
  const text = `${prefix}_${env}_${kind}_${id}_${base62(numberOf(secret), SECRET_LENGTH)}`
  return text + crcOf(text)
}

/** A new token. Its `id` and `last4` (of the whole token) are public, `token` is shown once and stored nowhere. */
export function mint(parts: Omit<MintedParts, 'id'> & { readonly id?: string }): {
  token: string
  id: string
  last4: string
} {
  const { id = newMintedId() } = parts
  const token = formatMinted({ ...parts, id }, randomBytes(SECRET_BYTES))
  return { token, id, last4: token.slice(-4) }
}

/** Which of our tokens it is meant to be, mistyped ones included; undefined: it is nothing of ours. */
export function looksMinted(text: string): MintedFormatKind | undefined {
  const [, kind] = LOOKS_MINTED.exec(text) ?? []
  return kind as MintedFormatKind | undefined
}

/**
 * Its parts. No I/O: whether such a token exists is another question.
 * @returns 'malformed' when it is meant to be one of ours but mistyped, undefined when it is nothing of ours
 */
export function parseMinted(text: string): MintedParts | 'malformed' | undefined {
  const [, prefix = '', env = '', kind = '', id = ''] = FORMAT.exec(text) ?? []
  if (kind === '') return looksMinted(text) ? 'malformed' : undefined
  const checked = text.slice(0, -CRC_LENGTH)
  if (text.slice(-CRC_LENGTH) !== crcOf(checked)) return 'malformed'
  return { prefix, env, kind: kind as MintedFormatKind, id }
}
