import { isIPv4, isIPv6 } from 'node:net'

/**
 * What counts as one source of tries: an IPv4 address, an IPv6 network of 64 bits (one customer has at least that many
 * addresses), for IPv4 in IPv6 the IPv4 address. Anything else is one source together.
 */
export function sourceNetwork(address: string | undefined): string {
  if (!address) return 'unknown'
  if (isIPv4(address)) return address
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return 'unknown'
  const groups = expand(bare)
  const [high = 0, low = 0] = groups.slice(6)
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff)
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  return `${groups
    .slice(0, 4)
    .map(group => group.toString(16))
    .join(':')}::/64`
}

/** The eight groups of a valid IPv6 address. */
function expand(address: string): number[] {
  // A URL writes the address in one canonical form, dotted quads included.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [before = '', after] = canonical.split('::')
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const head = parse(before)
  const tail = after === undefined ? [] : parse(after)
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}
