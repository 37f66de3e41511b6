/**
 * The JSON API: every route below /v1 that the rooms declared (api-route.ts), in one router. A request is let in by the
 * route's rule, its query and body are read by the route's schemas, and the answer has the shape that docs/api.md tells. Refusals
 * are Problems; respond.ts writes them. `GET /v1/openapi.json` tells all of this from the same declarations.
 */
import { Router } from '@koa/router'
import type { z } from 'zod'
import type { Db } from '../db/connect.ts'
import { type Call, NO_CREDENTIAL, type Route, type Rule } from './api-route.ts'
import { readBody } from './body.ts'
import type { Context, State } from './context.ts'
import { fieldErrorsOf, unknownKeyAmong, wording } from './field-errors.ts'
import { readJson } from './forms.ts'
import { describeApi } from './openapi.ts'
import { validationFailed } from './problem.ts'
import { parseUrlencoded } from './urlencoded.ts'
import { answerRevocation, waitQuery } from './wait-all.ts'

export interface ApiOptions<Caller> {
  readonly db: Db
  readonly issuer: string
  /**
   * Lets a caller in or throws the refusal.
   * @param scope what the route needs; undefined: a good credential is enough
   */
  readonly authenticate: (ctx: Context, scope: string | undefined) => Promise<Caller>
  readonly routes: readonly Route<Caller>[]
}

export const API_DESCRIPTION_PATH = '/v1/openapi.json'

export function createApi<Caller>(options: ApiOptions<Caller>): Router<State> {
  const { issuer, routes } = options
  const router = new Router<State>()
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    router.register(path, [route.method], async ctx => serve(options, route, ctx as unknown as Context))
  }
  const description = JSON.stringify(describeApi({ issuer, routes }))
  router.get(API_DESCRIPTION_PATH, ctx => {
    ctx.type = 'application/json'
    ctx.body = description
  })
  return router
}

async function serve<Caller>(
  { db, authenticate }: ApiOptions<Caller>,
  route: Route<Caller>,
  ctx: Context,
): Promise<void> {
  const caller = await admit(authenticate, route.scope, ctx)
  const sent = queryOf(ctx)
  const wait = route.revokes ? readWith(waitQuery, pick(sent, waitQuery)) : undefined
  const query = route.query ? readWith(route.query, without(sent, wait && waitQuery)) : noneOf(sent, wait)
  const body = route.body ? readWith(route.body, await bodyOf(ctx)) : undefined
  const params: Readonly<Record<string, string>> = (ctx as { params?: Record<string, string> }).params ?? {}
  const call: Call<Caller, unknown, unknown> = {
    caller: caller as Caller,
    body,
    query,
    ctx,
    param(name) {
      const value = params[name]
      if (value === undefined) throw new Error(`${route.path} has no parameter ${name}`)
      return value
    },
  }
  const made = await route.answer(call as Call<Caller, never, never>)
  ctx.status = route.status
  if (route.status !== 204) ctx.body = made
  if (route.location) ctx.set('Location', route.location(made as never, call.param))
  const revoked =
    typeof route.revokes === 'function' ? route.revokes(made as never, body as never) : revokedIn(made)
  if (!wait || revoked === undefined) return
  const { status, body: waited } = await answerRevocation(db, wait, revoked)
  if (status === 204) return
  ctx.status = status
  ctx.body = typeof route.revokes === 'function' ? { ...(made as object), ...waited } : waited
}

/** What ended is one thing unless the answer says how many. */
function revokedIn(made: unknown): number {
  if (typeof made === 'number') return made
  const { revoked } = Object(made) as { revoked?: unknown }
  return typeof revoked === 'number' ? revoked : 1
}

/** Undefined only for routes that take anybody: those have no use for a caller. */
async function admit<Caller>(
  authenticate: ApiOptions<Caller>['authenticate'],
  rule: Rule,
  ctx: Context,
): Promise<Caller | undefined> {
  if (rule === NO_CREDENTIAL) return undefined
  return authenticate(ctx, typeof rule === 'string' ? rule : undefined)
}

/** @throws Problem 400 `validation_failed` with every mistake and its path */
function readWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const read = schema.safeParse(value, { error: wording })
  if (read.success) return read.data
  const known = 'shape' in schema ? Object.keys(schema.shape as object) : []
  throw validationFailed(fieldErrorsOf(read.error, unknownKeyAmong(known)))
}

/** No body at all is an empty object: what is needed is then missing by name. */
async function bodyOf(ctx: Context): Promise<unknown> {
  return (await readBody(ctx.req)).length === 0 ? {} : readJson(ctx)
}

type Sent = Readonly<Record<string, string>>

function queryOf(ctx: Context): Sent {
  const parameters = parseUrlencoded(ctx.querystring, 'query')
  const names = new Set(parameters.keys())
  const repeated = [...names].filter(name => parameters.getAll(name).length > 1)
  if (repeated.length > 0)
    throw validationFailed(repeated.map(path => ({ path, message: 'is there twice: keep one' })))
  return Object.fromEntries(parameters)
}

const pick = (sent: Sent, schema: z.ZodObject): Sent =>
  Object.fromEntries(Object.entries(sent).filter(([name]) => Object.hasOwn(schema.shape, name)))

const without = (sent: Sent, schema: z.ZodObject | undefined): Sent =>
  Object.fromEntries(Object.entries(sent).filter(([name]) => !schema || !Object.hasOwn(schema.shape, name)))

/** A parameter that nobody reads is a mistake of the caller's, as an unknown key of a body is. */
function noneOf(sent: Sent, wait: object | undefined): Record<string, never> {
  const unread = Object.keys(without(sent, wait && waitQuery))
  if (unread.length > 0)
    throw validationFailed(unread.map(path => ({ path, message: 'is not a known parameter: remove it' })))
  return {}
}
