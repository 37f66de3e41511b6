import { createHmac, generateKeySync, timingSafeEqual } from 'node:crypto'

const key = generateKeySync('hmac', { length: 256 })
const digest = (value: string | Buffer) => createHmac('sha256', key).update(value).digest()

/** Constant time for any lengths: compares HMACs under a key of this process, so lengths do not show either. */
export function equal(a: string | Buffer, b: string | Buffer): boolean {
  return timingSafeEqual(digest(a), digest(b))
}
