/**
 * What forward-auth answers, in words that the asking proxy can pass on. nginx understands 401 and 403 only: there the
 * truth is in headers, and its configuration says what becomes of them. The others relay the whole answer to the client.
 * It is read at another host than ours then, so it claims nothing for that.
 */
import { REFUSED_PAGE_POLICY, renderRefusedPage } from '../../views/verify/refused-page.tsx'
import { credentialHeaders } from '../credentials/credential-headers.ts'
import type { Identity } from '../credentials/kind.ts'
import type { Context } from '../http/context.ts'
import type { Problem } from '../http/problem.ts'
import type { DialectName } from './forwarded-request.ts'

/** The one header that the API behind the proxy may believe: a JWT (keys/identity-token.ts). */
export const IDENTITY_HEADER = 'X-Auth-Identity'

/** How a refusal is shown; without any of it as problem+json. */
export interface Shown {
  /** Where a person signs in. */
  readonly signIn?: string | undefined
  /** To a person, in a browser; `host` has no session of ours. */
  readonly page?: { readonly issuer: string; readonly host?: string | undefined } | undefined
}

export function letThrough(ctx: Context, token: string, identity: Identity): void {
  ctx.status = 200
  ctx.set(IDENTITY_HEADER, token)
  ctx.set(credentialHeaders(identity))
  ctx.body = ''
}

export function refuse(ctx: Context, dialect: DialectName, problem: Problem, shown: Shown): void {
  // Whether that host keeps to https is not ours to say.
  ctx.remove('Strict-Transport-Security')
  for (const [name, value] of Object.entries(problem.headers)) ctx.set(name, value)
  const body = bodyOf(ctx, problem, shown)
  if (dialect === 'nginx') tellInHeaders(ctx, problem, shown, body)
  else tellClient(ctx, problem, shown, body)
}

interface Body {
  readonly type: string
  /** One line. */
  readonly text: string
}

function bodyOf(ctx: Context, problem: Problem, { page }: Shown): Body {
  const { requestId } = ctx.state
  if (!page) return { type: 'application/problem+json', text: JSON.stringify(problem.toJSON(requestId)) }
  const { status, code, message } = problem
  const { host, issuer } = page
  const signIn = host === undefined ? undefined : { host, issuer }
  ctx.set('Content-Security-Policy', REFUSED_PAGE_POLICY)
  return {
    type: 'text/html; charset=utf-8',
    text: renderRefusedPage({ locale: 'en', status, code, message, requestId, signIn }),
  }
}

function tellInHeaders(ctx: Context, problem: Problem, { signIn }: Shown, { type, text }: Body): void {
  const challenge = [problem.headers['WWW-Authenticate'] ?? []].flat().join(', ')
  const retryAfter = problem.headers['Retry-After']
  ctx.status = problem.status === 401 ? 401 : 403
  ctx.set('X-Auth-Status', String(signIn === undefined ? problem.status : 303))
  ctx.set('X-Auth-Code', problem.code)
  ctx.set('X-Auth-Type', type)
  ctx.set('X-Auth-Body', inHeader(text, type))
  if (challenge !== '') {
    ctx.set('X-Auth-Challenge', challenge)
    // nginx passes on the first of several.
    ctx.set('WWW-Authenticate', challenge)
  }
  if (signIn !== undefined) ctx.set('X-Auth-Location', signIn)
  if (retryAfter !== undefined) ctx.set('X-Auth-Retry-After', retryAfter)
  ctx.body = ''
}

/** Visible ASCII. */
function inHeader(text: string, type: string): string {
  const escaped = (character: string) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0')
    return type.startsWith('text/html') ? `&#x${hex};` : `\\u${hex}`
  }
  return text.replace(/[^\x20-\x7e]/g, escaped)
}

function tellClient(ctx: Context, problem: Problem, { signIn }: Shown, { type, text }: Body): void {
  if (signIn !== undefined) {
    ctx.status = 303
    ctx.redirect(signIn)
    ctx.body = ''
    return
  }
  ctx.status = problem.status
  ctx.body = text
  ctx.type = type
}
