import { request } from '../load.ts'
import type { Subject } from '../measure.ts'
import type { Setting } from '../setting.ts'
import { isHello } from './expect.ts'

/** Ours with the floor, and with the framework that it stands on to show how much of the distance is the framework's. */
export function besideHello({ references: { hello, koa }, host }: Setting, ours: Subject) {
  const requests = [request('GET', '/', { host })]
  return {
    ours,
    references: {
      ...(hello && { hello: { server: hello, requests, check: isHello } }),
      ...(koa && { koa: { server: koa, requests, check: isHello } }),
    },
  }
}
