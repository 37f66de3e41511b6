/**
 * The parameter `resource` (RFC 8707) names a resource in either spelling of its address; from here on it is the
 * registered identifier, so that grants, codes, tokens and their `aud` have that one.
 */
import type { Middleware } from 'koa'
import { Problem } from '../http/problem.ts'
import { protocolBody } from '../http/protocol-body.ts'
import { registeredIdentifier } from '../resources/resource-address.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'

const SENT_IN_A_BODY: ReadonlySet<string> = new Set(['/par', '/token', '/device_authorization'])

/** Each that is not known is asked of the database, for callers whom nobody has authenticated yet. */
const MOST = 20

export function nameResourcesAsRegistered(resources: ResourceDirectory): Middleware {
  /** @throws Problem 400 `invalid_target` */
  const allRegistered = (asked: readonly string[]) => {
    if (asked.length > MOST)
      throw new Problem(400, 'invalid_target', `A request can name at most ${MOST} resources.`)
    return Promise.all(asked.map(one => registeredIdentifier(resources, one)))
  }

  return async (ctx, next) => {
    const { resource } = ctx.query
    if (ctx.path === '/authorize' && resource !== undefined) {
      const registered = await allRegistered([resource].flat())
      ctx.query = { ...ctx.query, resource: Array.isArray(resource) ? registered : (registered[0] ?? '') }
    }
    if (ctx.method === 'POST' && SENT_IN_A_BODY.has(ctx.path)) {
      const body = protocolBody(ctx)
      const registered = await allRegistered(body.getAll('resource'))
      body.delete('resource')
      for (const one of registered) body.append('resource', one)
    }
    await next()
  }
}
