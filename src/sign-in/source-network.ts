import { isIPv4 } from 'node:net'
import { normalAddress } from '../http/client-address.ts'

/**
 * What counts as one source of tries: an IPv4 address (also when written as IPv6), or an IPv6 network of 64 bits, since
 * one customer has at least that many addresses. Everything without an address is one source together.
 */
export function sourceNetwork(address: string | undefined): string {
  const normal = normalAddress(address ?? '')
  if (normal === undefined) return 'unknown'
  if (isIPv4(normal)) return normal
  const [head = '', tail] = normal.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length
    while (groups.length < 8 - after) groups.push('0')
    if (tail !== '') groups.push(...tail.split(':'))
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}
