/**
 * One route of the JSON API, declared once: from this it is validated, answered (api.ts) and documented (openapi.ts).
 * Rooms declare their routes; app.ts hands all of them to createApi.
 */
import type { z } from 'zod'
import type { Context } from './context.ts'

/** Takes every good credential, whatever it may do: the route is about the credential itself. */
export const ANY_CREDENTIAL = Symbol('any credential')
/** Takes requests of anybody. */
export const NO_CREDENTIAL = Symbol('no credential')

/** What a caller needs: a scope of our own API, or one of the two above. There is no default. */
export type Rule<Scope extends string = string> = Scope | typeof ANY_CREDENTIAL | typeof NO_CREDENTIAL

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** A request that was let in and is well-formed. */
export interface Call<Caller, Body, Query> {
  readonly caller: Caller
  readonly body: Body
  readonly query: Query
  /** A parameter of the path, decoded. @throws when the path has none of this name */
  param(name: string): string
  readonly ctx: Context
}

interface Declared {
  readonly method: Method
  /** With parameters as OpenAPI writes them: `/v1/clients/{client_id}`. */
  readonly path: string
  /** For the documentation: what it does, in one line. */
  readonly summary: string
  readonly scope: Rule
  /** Of the answer, when it is no refusal. 201 comes with `location`, 204 has no body. */
  readonly status: 200 | 201 | 202 | 204
}

export interface RouteDeclaration<
  Caller,
  Body extends z.ZodType,
  Query extends z.ZodObject,
  Response extends z.ZodType,
> extends Declared {
  /** Strict objects: an unknown key is a mistake. */
  readonly body?: Body
  readonly query?: Query
  readonly response?: Response
  /** The address of what was made, for 201. */
  readonly location?: (made: z.input<Response>, param: (name: string) => string) => string
  /**
   * It ends credentials: takes `?wait=all&timeout=` (wait-all.ts), and `answer` may return how many it ended, or that as
   * `revoked`; what was waited for is then the answer. With a function, which says from the answer and what was sent how
   * many that were, it is added to the answer; undefined: none this time, so there is nothing to wait for.
   */
  readonly revokes?: true | ((made: z.input<Response>, sent: z.output<Body>) => number | undefined)
  answer(call: Call<Caller, z.output<Body>, z.output<Query>>): Promise<z.input<Response>>
}

/** The same with its schemas' types forgotten: `body` and `query` have been through them when `answer` is called. */
export interface Route<Caller> extends Declared {
  readonly body?: z.ZodType
  readonly query?: z.ZodObject
  readonly response?: z.ZodType
  readonly location?: (made: never, param: (name: string) => string) => string
  readonly revokes?: true | ((made: never, sent: never) => number | undefined)
  answer(call: Call<Caller, never, never>): Promise<unknown>
}

/** Routes for one sort of caller and a set of scopes: `const route = routesFor<Identity, OwnScope>()`, then `route({ … })`. */
export function routesFor<Caller, Scope extends string>() {
  return <
    Body extends z.ZodType = z.ZodUndefined,
    Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
    Response extends z.ZodType = z.ZodUnknown,
  >(
    declaration: RouteDeclaration<Caller, Body, Query, Response> & { readonly scope: Rule<Scope> },
  ): Route<Caller> => declaration
}

/** The names of the parameters in a path. */
export function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}
