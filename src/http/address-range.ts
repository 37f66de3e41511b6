/**
 * Ranges of addresses in CIDR notation (RFC 4632, RFC 4291): v4, v6, and v4 written as v6 (`::ffff:192.0.2.1`), which is
 * the same as v4. A range is two numbers; nothing here asks the network.
 */
import { isIP } from 'node:net'
import { normalAddress } from './client-address.ts'

export interface AddressRange {
  /** As it is stored and shown: normalised, always with its length. */
  readonly text: string
  readonly family: 4 | 6
  readonly first: bigint
  readonly last: bigint
}

/** 96 bits stand before the v4 address in a v4-in-v6 one. */
const V4_IN_V6_BITS = 96

/** An address, or an address and a length; undefined when it is neither, or has bits behind its length. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, written = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = normalAddress(written)
  if (address === undefined) return undefined
  const family = isIP(address) === 4 ? 4 : 6
  const size = family === 4 ? 32 : 128
  const before = isIP(written) === 6 && family === 4 ? V4_IN_V6_BITS : 0
  const bits = length === undefined ? size : Number(length) - before
  if (bits < 0 || bits > size) return undefined
  const first = numberOf(address, family)
  const rest = (1n << BigInt(size - bits)) - 1n
  if ((first & rest) !== 0n) return undefined
  return { text: `${address}/${bits}`, family, first, last: first | rest }
}

/** Whether `address` is in one of the ranges. Anything that is not an address is in none. */
export function isInRanges(ranges: readonly AddressRange[], address: string | undefined): boolean {
  const normal = normalAddress(address ?? '')
  if (normal === undefined) return false
  const family = isIP(normal) === 4 ? 4 : 6
  const number = numberOf(normal, family)
  return ranges.some(range => range.family === family && range.first <= number && number <= range.last)
}

/** Whether all of `inner` lies in one of `outer`. */
export function isWithinRanges(inner: AddressRange, outer: readonly AddressRange[]): boolean {
  return outer.some(
    ({ family, first, last }) => family === inner.family && first <= inner.first && inner.last <= last,
  )
}

/** @param address normalised */
function numberOf(address: string, family: 4 | 6): bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const [head = '', tail] = address.split('::')
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const missing = 8 - groups(head).length - groups(tail).length
  const all =
    tail === undefined ? groups(head) : [...groups(head), ...Array(missing).fill('0'), ...groups(tail)]
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}
