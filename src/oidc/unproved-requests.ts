/**
 * Requests for authorization that anybody can make: at /authorize, and for public clients, whose id is no secret, at /par and
 * /device_authorization. Each leaves a row that waits for a person's answer, so one network has room for so many
 * (sign-in/throttle.ts). They are counted where the row is written: what is refused for another reason leaves none.
 */
import type { Middleware } from 'koa'
import { errors, Provider } from 'oidc-provider'
import { type Context, sourceOf } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { createThrottle } from '../sign-in/throttle.ts'
import type { OidcDeps } from './deps.ts'

const refused = new WeakMap<object, Problem>()

const requestUnderWay = () => Provider.ctx as unknown as (Context & typeof Provider.ctx) | undefined

/** @throws the library's error, in whose place `answerTooMany` puts the answer */
export async function countUnproved(deps: Pick<OidcDeps, 'db' | 'keyring'>): Promise<void> {
  const ctx = requestUnderWay()
  if (!ctx) return
  const { route, client } = ctx.oidc
  const isPersons = route === 'authorization' || route === 'resume'
  if (!isPersons && client?.clientAuthMethod !== 'none') return
  try {
    await createThrottle(deps).countRequest(sourceOf(ctx).address)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    refused.set(ctx.req, error)
    throw new errors.TemporarilyUnavailable('too many requests wait for an answer', { cause: error })
  }
}

/** Somebody has answered a request of /authorize. */
export async function noteAnswered(deps: Pick<OidcDeps, 'db' | 'keyring'>): Promise<void> {
  const ctx = requestUnderWay()
  if (ctx) await createThrottle(deps).answeredRequest(sourceOf(ctx).address)
}

/** 429, and no redirect: the application would only send the browser back. */
export const answerTooMany: Middleware = async (ctx, next) => {
  await next()
  const problem = refused.get(ctx.req)
  if (problem) throw problem
}
