/**
 * Guards the bodies of the protocol endpoints in front of oidc-provider, which limits their size but not their time,
 * and reads what we would refuse.
 *
 * The provider reads the request itself (lib/shared/selective_body.js). When another reader came first it falls back
 * to `req.body` and warns on the console about it. So the request is made readable once more: `readable` and
 * `iterator`, the two things that code asks of it, are redefined on this one request, and answer with our reading of
 * the body written out again. The provider then parses exactly what was checked here (two parsers cannot disagree),
 * and what `protocolBody(ctx)` was changed to in between. `stream.unshift()` would be the documented way, but it
 * cannot put an empty body back, and fixes the content before anyone could replace a parameter.
 */
import type { IncomingMessage } from 'node:http'
import { BODY_LIMITS, type BodyLimits, mediaTypeOf, readBody, textOf } from './body.ts'
import type { Context, Middleware } from './context.ts'
import { parseJson } from './json-text.ts'
import { invalidRequest } from './problem.ts'
import { parseUrlencoded } from './urlencoded.ts'

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

/** RFC 8707 2 and RFC 8693 2.1 let a request name several of these. No other parameter may come twice (RFC 6749 3.2). */
const REPEATABLE = new Set(['resource', 'audience'])

const parameters = new WeakMap<IncomingMessage, URLSearchParams>()

/**
 * Mount in front of the provider, on its paths. Reads nothing unless the method has a body.
 * @throws Problem 400, 408, 413, 415: OAuth errors by the time respond.ts has written them
 */
export function limitBody(limits: BodyLimits = BODY_LIMITS): Middleware {
  return async (ctx, next) => {
    if (ctx.method === 'POST' || ctx.method === 'PUT') await guard(ctx.req, limits)
    return next()
  }
}

/**
 * The parameters of a guarded form body; empty for any other request. Changes are what the provider will read:
 * `protocolBody(ctx).set('token', id)`.
 */
export function protocolBody({ req }: Pick<Context, 'req'>): URLSearchParams {
  const known = parameters.get(req)
  if (known) return known
  const none = new URLSearchParams()
  parameters.set(req, none)
  return none
}

async function guard(req: IncomingMessage, limits: BodyLimits): Promise<void> {
  const type = mediaTypeOf(req)
  const body = await readBody(req, limits)
  if (type === FORM) {
    const form = parseUrlencoded(textOf(body))
    for (const name of new Set(form.keys())) {
      if (!REPEATABLE.has(name) && form.getAll(name).length > 1)
        throw invalidRequest(`The parameter ${printable(name)} was sent more than once.`)
    }
    parameters.set(req, form)
    replay(req, () => Buffer.from(form.toString()))
  } else {
    if (type === JSON_TYPE && body.length > 0) parseJson(textOf(body))
    replay(req, () => body)
  }
}

function replay(req: IncomingMessage, content: () => Buffer): void {
  // The provider compares what it reads with the declared length, which a replaced parameter changes: from here on
  // the body is one whose length is not known before. Without either header it would count as no body at all.
  delete req.headers['content-length']
  req.headers['transfer-encoding'] = 'chunked'
  Object.defineProperties(req, {
    readable: { configurable: true, value: true },
    iterator: {
      configurable: true,
      value: async function* () {
        yield content()
      },
    },
  })
}

const printable = (name: string) => (/^[\w.-]{1,64}$/.test(name) ? name : 'with an unusual name')
