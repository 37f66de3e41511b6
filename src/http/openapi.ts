/**
 * The OpenAPI 3.1 document of the JSON API, from the declarations and schemas that serve it. Schemas with an id
 * (`.meta({ id })`) become components.
 */
import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { version } from '../version.ts'
import { NO_CREDENTIAL, parametersOf, type Route } from './api-route.ts'
import { revocationAnswer, waitQuery } from './wait-all.ts'

type Json = Record<string, unknown>

/** How a credential travels. All of them are taken everywhere; in which scope, every operation says. */
const SECURITY_SCHEMES: Readonly<Record<string, Json>> = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token for this API, an API key or a personal access token.',
  },
  dpop: {
    type: 'http',
    scheme: 'dpop',
    description:
      'A token or a key that is bound to a DPoP key (RFC 9449), with a proof in the header DPoP. The proof needs the nonce of the header DPoP-Nonce of an answer; without one the answer is 401 `use_dpop_nonce`, and has one.',
  },
  api_key: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'An API key or a personal access token.',
  },
  basic: {
    type: 'http',
    scheme: 'basic',
    description:
      "A client's id and secret, form-encoded (RFC 6749, section 2.3.1), or a personal access token as the password under any name.",
  },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature',
    description:
      'A signed request (RFC 9421): the headers Signature-Input and Signature, and Content-Digest with a body. Or X-Signature with X-API-Key and X-Timestamp.',
  },
  certificate: {
    type: 'mutualTLS',
    description: 'A client certificate that is registered here, on its own or beside another credential.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'latchkey_session',
    description:
      'The browser session (on https the cookie has the prefix `__Host-`). Whatever changes something needs the CSRF token of a page in the header X-CSRF-Token.',
  },
}

const problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What went wrong, for people'),
    code: z.string().describe('What went wrong, for programs'),
    request_id: z.string(),
    missing_layer: z
      .string()
      .optional()
      .describe('What the resource demands and the request lacks: client-certificate, credential or address'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('With `validation_failed`: every mistake, and where'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' })

export function describeApi<Caller>({
  issuer,
  routes,
}: {
  issuer: string
  routes: readonly Route<Caller>[]
}): Json {
  const components: Json = {}
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => jsonSchema(schema, io, components)
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    Object.assign(paths[route.path] ?? {}, { [route.method]: describeRoute(route, schemaOf) })
  }
  const content = { 'application/problem+json': { schema: schemaOf(problem, 'output') } }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Latchkey',
      version,
      description: `Scopes are those of the resource ${issuer}/v1. Every kind of credential is taken.`,
    },
    servers: [{ url: issuer }],
    paths,
    components: {
      schemas: components,
      responses: { Problem: { description: 'A refusal', content } },
      securitySchemes: SECURITY_SCHEMES,
    },
  }
}

type SchemaOf = (schema: z.ZodType, io: 'input' | 'output') => Json

function describeRoute<Caller>(route: Route<Caller>, schemaOf: SchemaOf): Json {
  const { method, path, summary, scope, status, body, query, response, location, revokes } = route
  const scopes = typeof scope === 'string' ? [scope] : []
  const json = (schema: Json) => ({ 'application/json': { schema } })
  const isAdded = typeof revokes === 'function'
  const waited = isAdded && response ? withWaited(response) : revocationAnswer
  const parameters = [
    ...parametersOf(path).map(name => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...[query, revokes && waitQuery].flatMap(schema =>
      schema ? queryParameters(schemaOf(schema, 'input')) : [],
    ),
  ]
  return {
    operationId: operationIdOf(method, path),
    summary,
    tags: [path.split('/')[2] ?? ''],
    security: scope === NO_CREDENTIAL ? [] : Object.keys(SECURITY_SCHEMES).map(name => ({ [name]: scopes })),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: !body.safeParse({}).success, content: json(schemaOf(body, 'input')) },
    }),
    responses: {
      [status]: {
        description: STATUS_CODES[status] ?? '',
        ...(location && { headers: { Location: { schema: { type: 'string' } } } }),
        ...(response && status !== 204 && { content: json(schemaOf(response, 'output')) }),
      },
      ...(revokes && {
        200: {
          description: 'With `wait=all`: every node knows it',
          content: json(
            status === 200 && response && !isAdded
              ? { anyOf: [response, waited].map(schema => schemaOf(schema, 'output')) }
              : schemaOf(waited, 'output'),
          ),
        },
        202: {
          description: 'With `wait=all`: it stands, but not every node has said so in time',
          content: json(schemaOf(waited, 'output')),
        },
      }),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

/** The answer itself, and in it what was waited for, if anything was. */
function withWaited(response: z.ZodType): z.ZodType {
  if (response instanceof z.ZodUnion)
    return z.union(response.options.map(one => withWaited(one as z.ZodType)))
  return response instanceof z.ZodObject ? response.extend(revocationAnswer.partial().shape) : response
}

/** `get /v1/api-keys/{id}` → `get_api_keys_id` */
const operationIdOf = (method: string, path: string) =>
  `${method}${path.slice('/v1'.length).replaceAll(/[^a-z0-9]+/gi, '_')}`.replace(/_$/, '')

/** What a query's schema says, a parameter each. */
function queryParameters(schema: Json): Json[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }))
}

/** JSON Schema 2020-12; what has an id goes to `components` and is referred to. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', components: Json): Json {
  // What a rule in code checks cannot be said in JSON Schema: the type around it can.
  const { $schema: _dialect, $defs = {}, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  for (const [id, definition] of Object.entries($defs)) components[id] = toComponents(definition)
  return toComponents(rest) as Json
}

function toComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toComponents)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace('#/$defs/', '#/components/schemas/')
        : toComponents(inner),
    ]),
  )
}
