/**
 * What the library tells of: issued tokens and refusals go to the audit (in batches), failures to the log. A listener
 * that throws would turn the answer into an error, and one that rejects would end the process: each is wrapped.
 */
import type { EventEmitter } from 'node:events'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { AuditEvent } from '../audit/audit.ts'
import { type Context, sourceOf } from '../http/context.ts'
import type { OidcDeps } from './deps.ts'
import { exchangedIn } from './token-exchange.ts'

/** Where a client proves who it is. */
const AUTHENTICATING: ReadonlySet<string> = new Set([
  'token',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization',
])

/** Whether it is the client who speaks, and not somebody who knows its id. */
function isProved({ oidc: { client, route } }: KoaContextWithOIDC, error?: { error?: string }): boolean {
  if (!client) return false
  if (route === 'userinfo') return true
  return AUTHENTICATING.has(route) && client.clientAuthMethod !== 'none' && error?.error !== 'invalid_client'
}

type Listener = (ctx: KoaContextWithOIDC, error?: Error & { error?: string; error_detail?: string }) => void

export function listenToProvider(provider: Provider, { audit, clientUse, log }: OidcDeps): void {
  const events: EventEmitter = provider
  const on = (event: string, listener: Listener) =>
    events.on(event, (...args: Parameters<Listener>) => {
      try {
        listener(...args)
      } catch (error) {
        log.error({ err: error, event }, 'a listener of the provider failed')
      }
    })

  const eventOf = (
    ctx: KoaContextWithOIDC,
    type: string,
    outcome: AuditEvent['outcome'],
    byClient = true,
  ): AuditEvent => {
    const { client, account } = ctx.oidc
    return {
      type,
      outcome,
      actor: client && byClient ? { type: 'client', id: client.clientId } : { type: 'anonymous' },
      ...(account && { subject: { type: 'account', id: account.accountId } }),
      ...(client && { clientId: client.clientId }),
      source: sourceOf(ctx as unknown as Context),
    }
  }

  on('grant.success', ctx => {
    const { grant_type } = ctx.oidc.params ?? {}
    if (ctx.oidc.client) clientUse.note(ctx.oidc.client.clientId)
    const token = ctx.oidc.entities.AccessToken ?? ctx.oidc.entities.ClientCredentials
    const exchanged = exchangedIn(ctx)
    audit.recordLater({
      ...eventOf(ctx, 'token_issued', 'success'),
      ...(exchanged && {
        subject: exchanged.subject,
        credential: { kind: exchanged.kind, id: exchanged.credentialId },
      }),
      detail: {
        grant_type,
        audience: token?.aud,
        scope: token?.scope,
        grant_id: ctx.oidc.entities.Grant?.jti,
      },
    })
  })
  on('device_authorization.success', ctx =>
    audit.recordLater(eventOf(ctx, 'device_authorization', 'success', isProved(ctx))),
  )
  on('authorization.success', ctx => audit.recordLater(eventOf(ctx, 'authorization', 'success')))

  const refused = [
    'authorization',
    'pushed_authorization_request',
    'device_authorization',
    'grant',
    'introspection',
    'revocation',
    'userinfo',
    'end_session',
  ]
  for (const endpoint of refused)
    on(`${endpoint}.error`, (ctx, error) =>
      audit.recordLater({
        ...eventOf(ctx, endpoint === 'grant' ? 'token' : endpoint, 'refused', isProved(ctx, error)),
        detail: { error: error?.error, reason: error?.error_detail },
      }),
    )

  on('server_error', (ctx, error) =>
    log.error({ err: error, request_id: (ctx as unknown as Context).state.requestId }, 'the provider failed'),
  )
}
