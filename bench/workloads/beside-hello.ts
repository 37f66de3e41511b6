import { request } from '../load.ts'
import type { Subject } from '../measure.ts'
import type { Setting } from '../setting.ts'
import { isHello } from './expect.ts'

/** Ours with the floor as its only reference. */
export function besideHello({ references: { hello }, host }: Setting, ours: Subject) {
  const floor = hello && { server: hello, requests: [request('GET', '/', { host })], check: isHello }
  return { ours, references: floor ? { hello: floor } : {} }
}
