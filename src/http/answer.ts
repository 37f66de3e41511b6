/** A Problem as the one who asked understands it: problem+json, OAuth JSON or a page. Called by respond.ts. */
import { h } from 'preact'
import { ProblemPage } from '../../views/problem/problem-page.tsx'
import type { Context } from './context.ts'
import { CONTENT_SECURITY_POLICY } from './headers.ts'
import type { Pages } from './pages.ts'
import type { Problem } from './problem.ts'

/** Endpoints of the protocols that programs call. The others of the provider are visited by people. */
const PROTOCOL_PATHS = new Set([
  '/token',
  '/introspect',
  '/revoke',
  '/userinfo',
  '/par',
  '/device_authorization',
  '/register',
  '/jwks',
])
const PROTOCOL_BEGINNINGS = ['/.well-known/', '/register/', '/status-lists/']
const JSON_BEGINNINGS = ['/v1/', '/health/']

export type Dialect = 'oauth' | 'problem' | 'page'

export function dialectOf(ctx: Pick<Context, 'path' | 'accepts'>): Dialect {
  const { path } = ctx
  if (PROTOCOL_PATHS.has(path) || PROTOCOL_BEGINNINGS.some(start => path.startsWith(start))) return 'oauth'
  if (path === '/v1' || JSON_BEGINNINGS.some(start => path.startsWith(start))) return 'problem'
  // Whoever does not ask for HTML by name, as curl with its `*/*`, gets JSON.
  return ctx.accepts('application/json', 'text/html') === 'text/html' ? 'page' : 'problem'
}

/** What a half-made answer may have left behind and must not go out with an error. */
const LEFTOVERS = [
  'Content-Type',
  'Content-Length',
  'Content-Encoding',
  'Content-Disposition',
  'Transfer-Encoding',
  'ETag',
  'Last-Modified',
  'Location',
  'Set-Cookie',
]

export function answer(ctx: Context, problem: Problem, pages: Pages): void {
  for (const name of LEFTOVERS) ctx.remove(name)
  ctx.set('Content-Security-Policy', CONTENT_SECURITY_POLICY)
  ctx.set('Cache-Control', 'no-store')
  for (const [name, value] of Object.entries(problem.headers)) ctx.set(name, value)
  ctx.body = null
  ctx.status = problem.status
  const dialect = dialectOf(ctx)
  if (dialect === 'page') {
    page(ctx, problem, pages)
    return
  }
  ctx.body = JSON.stringify(dialect === 'oauth' ? oauthJson(problem) : problem.toJSON(ctx.state.requestId))
  ctx.type = dialect === 'oauth' ? 'application/json' : 'application/problem+json'
}

const OAUTH_CODES = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
  'insufficient_scope',
  'access_denied',
  'server_error',
  'temporarily_unavailable',
  'unsupported_token_type',
  'slow_down',
  'invalid_client_metadata',
  'invalid_redirect_uri',
  'invalid_dpop_proof',
  'use_dpop_nonce',
])

/** RFC 6749 5.2. */
function oauthJson(problem: Problem): { error: string; error_description: string } {
  return {
    error: OAUTH_CODES.has(problem.code) ? problem.code : oauthCodeOf(problem.status),
    error_description: problem.message.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'"),
  }
}

function oauthCodeOf(status: number): string {
  if (status === 429 || status === 503) return 'temporarily_unavailable'
  if (status === 401) return 'invalid_client'
  if (status === 403) return 'access_denied'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

const HEADINGS: Readonly<Record<number, string>> = {
  400: 'This request is not valid',
  401: 'Sign in first',
  403: 'This is not allowed',
  404: 'There is nothing here',
  405: 'This cannot be done here',
  408: 'That took too long',
  409: 'Something changed in the meantime',
  410: 'This is over',
  413: 'That is too large',
  421: 'This is not the right address',
  429: 'Too many tries',
  500: 'Something went wrong',
  503: 'Not available right now',
}

const HEADINGS_OF_CODES: Readonly<Record<string, string>> = {
  csrf_failed: 'This form cannot be used any more',
  interaction_expired: 'This sign-in is over',
}

function page(ctx: Context, problem: Problem, pages: Pages): void {
  const vnode = h(ProblemPage, {
    status: problem.status,
    title: HEADINGS_OF_CODES[problem.code] ?? HEADINGS[problem.status] ?? problem.title,
    message: problem.message,
    code: problem.code,
    requestId: ctx.state.requestId,
    // From another name, our home page is elsewhere.
    ...(problem.status === 421 && { back: { href: `${ctx.origin}/` } }),
  })
  pages.render(ctx, vnode, { status: problem.status, forms: false })
}
