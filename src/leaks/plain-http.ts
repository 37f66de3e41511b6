/**
 * A credential that came over http, where others can read it. Only when a trusted proxy states so
 * (`X-Forwarded-Proto: http`; from anybody else the header is gone by now): without such a statement nothing is inferred.
 * The answer is the same for good credentials and bad ones.
 */
import { basicSecrets } from '../credentials/basic.ts'
import { type Context, type Middleware, sourceOf } from '../http/context.ts'
import type { CookieNames } from '../http/cookies.ts'
import { Problem } from '../http/problem.ts'
import { protocolBody } from '../http/protocol-body.ts'
import { requestView } from '../http/request-view.ts'
import type { Leaks } from './leaks.ts'

export interface PlainHttpDeps {
  readonly leaks: Pick<Leaks, 'cameOverHttp'>
  readonly cookies: Pick<CookieNames, 'session'>
  readonly apiKeyHeader: string | undefined
  /** Of the protocol's endpoints. */
  readonly protocolPaths: readonly string[]
}

/** Fields of a form that are secrets, and those whose value may be one that we can find the owner of. */
const SECRET_FIELDS = ['code', 'code_verifier', 'device_code', 'client_assertion', 'password']
const FINDABLE_FIELDS = [
  'token',
  'refresh_token',
  'access_token',
  'client_secret',
  'subject_token',
  'actor_token',
]

interface Shown {
  readonly isAny: boolean
  /** Texts that may be the secret of something. */
  readonly texts: readonly string[]
}

/** A browser sends the session's cookie to every page; to the JSON API a script sends it. */
const isApi = (path: string) => path === '/v1' || path.startsWith('/v1/')

export function refusePlainHttp(deps: PlainHttpDeps): Middleware {
  const { leaks, protocolPaths } = deps
  const isGuarded = (path: string) =>
    isApi(path) || path === '/register' || path.startsWith('/register/') || protocolPaths.includes(path)

  return async (ctx, next) => {
    if (!cameOverHttp(ctx) || !isGuarded(ctx.path)) return next()
    const { isAny, texts } = shownIn(ctx, deps)
    if (!isAny) return next()
    await leaks.cameOverHttp(texts, sourceOf(ctx))
    throw new Problem(
      403,
      'plain_http',
      'A credential came over http, where others can read it. Use https, and replace it.',
    )
  }
}

/** Of several proxies each adds its own word: the first is about the client. */
function cameOverHttp(ctx: Context): boolean {
  const [first = ''] = ctx.get('x-forwarded-proto').split(',')
  return /^(?:http|ws)$/i.test(first.trim())
}

function shownIn(ctx: Context, { cookies, apiKeyHeader }: PlainHttpDeps): Shown {
  const request = requestView(ctx)
  const inHeaders = ['x-api-key', ...(apiKeyHeader === undefined ? [] : [apiKeyHeader])].flatMap(name =>
    request.all(name),
  )
  const hasSession = (sent: string) =>
    sent.split(';').some(pair => pair.trim().startsWith(`${cookies.session}=`))
  const form = protocolBody(ctx)
  const inForm = FINDABLE_FIELDS.flatMap(name => form.getAll(name))
  const isAny =
    request.all('authorization').length + inHeaders.length + inForm.length > 0 ||
    // It tells nobody what it was made with, but whoever reads it may be the first to send it.
    request.all('signature').length > 0 ||
    SECRET_FIELDS.some(name => form.has(name)) ||
    (isApi(ctx.path) && hasSession(request.header('cookie') ?? ''))
  const texts = [...request.all('authorization').flatMap(secretsOf), ...inHeaders, ...inForm]
  return { isAny, texts: texts.map(text => text.trim()).filter(text => text !== '') }
}

/** What follows the scheme; of Basic the part after the colon. */
function secretsOf(header: string): string[] {
  const [, scheme = '', credentials = ''] = /^\s*(\S*)\s*(.*)$/s.exec(header) ?? []
  return scheme.toLowerCase() === 'basic' ? basicSecrets(credentials) : [credentials]
}
