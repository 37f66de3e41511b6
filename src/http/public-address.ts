/**
 * Which addresses belong to the public internet. Everything else (this machine, private networks, a cloud's metadata
 * address) is out of reach for requests whose address somebody else has chosen (outbound.ts).
 */
import { isIP } from 'node:net'
import { type AddressRange, isInRanges, parseAddressRange } from './address-range.ts'
import { normalAddress } from './client-address.ts'

function ranges(...texts: string[]): AddressRange[] {
  return texts.map(text => {
    const range = parseAddressRange(text)
    if (!range) throw new TypeError(`${text} is not a range`)
    return range
  })
}

/** The IANA registry of special-purpose v4 addresses, with multicast and what is reserved. */
const SPECIAL_V4 = ranges(
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local
  '172.16.0.0/12',
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
)

/** All that is handed out as global unicast (RFC 4291, section 2.4); whatever is outside is not public. */
const UNICAST_V6 = ranges('2000::/3')

/** What of it is special all the same. */
const SPECIAL_V6 = ranges(
  '2001::/23', // protocol assignments: Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: a v4 address inside
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
)

/** The well-known prefix under which a NAT64 reaches v4 addresses (RFC 6052, section 2.1). */
const NAT64 = ranges('64:ff9b::/96')

/**
 * The address that a connection to `text` ends at: v4 written as v6 and v4 behind a NAT64 prefix is that v4, a zone is
 * left out. undefined: not an address.
 */
export function reachedAddress(text: string): string | undefined {
  const address = normalAddress(text)
  if (address === undefined || !isInRanges(NAT64, address)) return address
  const [high = '0', low = '0'] = `0:0:${address.split('::')[1] ?? ''}`.split(':').filter(Boolean).slice(-2)
  return normalAddress(`::ffff:${high}:${low}`)
}

/** Whether a connection to it leaves for the public internet. Anything that is not an address is not public. */
export function isPublicAddress(text: string): boolean {
  const address = reachedAddress(text)
  if (address === undefined) return false
  return isIP(address) === 4
    ? !isInRanges(SPECIAL_V4, address)
    : isInRanges(UNICAST_V6, address) && !isInRanges(SPECIAL_V6, address)
}
