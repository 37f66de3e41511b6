/** What people and programs send to our own routes: forms and JSON, read once, refused when not exactly readable. */
import { BODY_LIMITS, type BodyLimits, mediaTypeOf, readBody, textOf } from './body.ts'
import type { Context } from './context.ts'
import { JSON_LIMITS, type JsonLimits, parseJson } from './json-text.ts'
import { invalidRequest, Problem } from './problem.ts'
import { parseUrlencoded } from './urlencoded.ts'

export interface Form {
  /** The field's value, undefined when it was not sent. @throws Problem 400 when it was sent more than once */
  get(name: string): string | undefined
  /** Every value of a field that may be sent many times, such as checkboxes. */
  all(name: string): string[]
  /** Everything that was sent, in order. */
  entries(): [name: string, value: string][]
}

type WithRequest = Pick<Context, 'req'>

/**
 * An application/x-www-form-urlencoded body.
 * @throws Problem 413, 408, 415 for another media type or charset, 400 for what cannot be read exactly
 */
export async function readForm(ctx: WithRequest, limits: BodyLimits = BODY_LIMITS): Promise<Form> {
  await expectType(ctx, limits, 'application/x-www-form-urlencoded')
  return formOf(parseUrlencoded(textOf(await readBody(ctx.req, limits))))
}

export function formOf(fields: URLSearchParams): Form {
  return {
    get(name) {
      const [value, ...more] = fields.getAll(name)
      if (more.length > 0) throw invalidRequest(`The field ${name} was sent more than once.`)
      return value
    },
    all: name => fields.getAll(name),
    entries: () => [...fields],
  }
}

/**
 * An application/json body (or `application/…+json`). Which keys and values it may have is the caller's business.
 * @throws Problem 413, 408, 415, 400 as for forms; 400 for depth, number of keys, a key twice (json-text.ts)
 */
export async function readJson(
  ctx: WithRequest,
  limits: Partial<BodyLimits & JsonLimits> = {},
): Promise<unknown> {
  const bounds = { ...BODY_LIMITS, ...JSON_LIMITS, ...limits }
  await expectType(ctx, bounds, 'application/json')
  return parseJson(textOf(await readBody(ctx.req, bounds)), bounds)
}

async function expectType({ req }: WithRequest, limits: BodyLimits, expected: string): Promise<void> {
  const type = mediaTypeOf(req)
  if (type === expected || (expected === 'application/json' && /^application\/[\w.-]+\+json$/.test(type)))
    return
  // An empty body has no type to be wrong: it is read as a form or text without anything in it.
  if (type === '' && (await readBody(req, limits)).length === 0) return
  throw new Problem(415, 'unsupported_media_type', `The body must be ${expected}.`)
}
