// The JSON API as it describes itself, and as its router has it.
import { z } from 'zod'
import type { Answer } from '../http/ground.ts'
import type { TestApp } from './app.ts'

type Json = Record<string, unknown>

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security: Record<string, string[]>[]
  readonly parameters?: { name: string; in: string; required: boolean; schema: Json }[]
  readonly requestBody?: { required: boolean; content: Record<string, { schema: Json }> }
  readonly responses: Record<
    string,
    { content?: Record<string, { schema: Json }>; $ref?: string; description?: string }
  >
}

export interface PublishedApi {
  readonly openapi: string
  readonly info: { title: string; version: string }
  readonly servers: { url: string }[]
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: {
    schemas: Record<string, Json>
    securitySchemes: Record<string, Json>
    responses: Record<string, Json>
  }
}

export async function publishedApi(app: Pick<TestApp, 'issuer'>): Promise<PublishedApi> {
  const response = await fetch(`${app.issuer}/v1/openapi.json`)
  return (await response.json()) as PublishedApi
}

/** `get /v1/clients/{client_id}`, with what it needs. */
export interface PublishedRoute {
  readonly method: string
  readonly path: string
  readonly operation: Operation
  /** undefined: any credential, or none. */
  readonly scope: string | undefined
  /** Needs no credential. */
  readonly open: boolean
}

export function routesOf(api: PublishedApi): PublishedRoute[] {
  return Object.entries(api.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
      scope: operation.security[0]?.bearer?.[0],
      open: operation.security.length === 0,
    })),
  )
}

/** Every method and path below /v1 that some router of the server answers, as OpenAPI writes them. */
export function routedPaths({ app }: Pick<TestApp, 'app'>): string[] {
  const stacks = app.koa.middleware.flatMap(middleware => {
    const { router } = middleware as { router?: { stack: { methods: string[]; path: string | RegExp }[] } }
    return router?.stack ?? []
  })
  return stacks
    .map(({ methods, path }) => ({ methods, path: String(path) }))
    .filter(({ path }) => path === '/v1' || path.includes('/v1/'))
    .flatMap(({ methods, path }) =>
      methods
        .filter(method => method !== 'HEAD')
        .map(method => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
    )
}

/** @throws when the answer is not what the document says of it */
export function expectPublished(api: PublishedApi, route: PublishedRoute, answer: Answer): void {
  const { responses } = route.operation
  const said = responses[String(answer.status)]
  if (!said)
    throw new Error(`${route.method} ${route.path} answers ${answer.status}, which is not in the document`)
  const schema = said.content?.['application/json']?.schema
  if (!schema) {
    if (answer.text !== '')
      throw new Error(`${route.method} ${route.path}: a body that is not in the document`)
    return
  }
  schemaOf(api, schema).parse(answer.json())
}

/** A schema of the document, to check a value with. */
export function schemaOf({ components }: PublishedApi, schema: Json): z.ZodType {
  const local = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(local)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === '$ref' && typeof inner === 'string'
          ? inner.replace('#/components/schemas/', '#/$defs/')
          : local(inner),
      ]),
    )
  }
  const whole = { ...(local(schema) as Json), $defs: local(components.schemas) }
  return z.fromJSONSchema(whole as Parameters<typeof z.fromJSONSchema>[0])
}
