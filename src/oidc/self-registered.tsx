/**
 * A client that registered itself is never a silent redirector (RFC 9700, section
 * 4.11.2): anybody can make one, and a link to this server would then lead anywhere. So where nobody has acted in the
 * request, what would have been a redirect to such a client is a page that names it and its host, with a link: answers to
 * prompt=none, errors in the parameters, what was allowed before, and the way back after signing out.
 */
import type { Middleware } from 'koa'
import type { Interaction, KoaContextWithOIDC, Provider } from 'oidc-provider'
import instance from 'oidc-provider/lib/helpers/weak_cache.js'
import { ContinuePage } from '../../views/oidc/continue-page.tsx'
import type { Client } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Context } from '../http/context.ts'
import { allowFormRedirect } from '../http/headers.ts'
import type { Pages } from '../http/pages.ts'

interface Deps {
  readonly clients: ClientDirectory
  readonly pages: Pick<Pages, 'render'>
}

/** Nobody here has looked at it. */
export const isSelfRegistered = ({ registration }: Pick<Client, 'registration'>) =>
  registration !== 'operator'

/** Somebody here looks after it. */
export const isVerified = (client: Pick<Client, 'registration' | 'organizationId'>) =>
  !isSelfRegistered(client) && client.organizationId !== null

/** Remembers that a person has done something in this request: signed in, or answered. The caller persists it. */
export function noteAct(interaction: Interaction): void {
  interaction.result = { ...interaction.result, acted: true }
}

export function hasActed(interaction: Interaction | undefined): boolean {
  return interaction?.result?.acted === true || interaction?.lastSubmission?.acted === true
}

/** Puts the page between the provider's authorization responses and clients that registered themselves. */
export function askBeforeAnswering(provider: Provider, deps: Deps): void {
  const { responseModes } = instance(provider)
  for (const [mode, send] of responseModes)
    responseModes.set(mode, async (ctx, redirectUri, payload) => {
      const client = await selfRegistered(ctx, deps)
      const acted = ctx.oidc.route === 'resume' && hasActed(ctx.oidc.entities.Interaction)
      if (!client || acted) return send(ctx, redirectUri, payload)
      if (mode === 'form_post') return showContinue(ctx, deps, client, { href: redirectUri, fields: payload })
      await send(ctx, redirectUri, payload)
      return showContinue(ctx, deps, client, { href: takeLocation(ctx) })
    })
}

/** The same for the way back to the client after signing out: where nobody was signed in, nobody has been asked. */
export function askBeforeLeaving(deps: Deps & { readonly issuer: string }): Middleware {
  return async (koaContext, next) => {
    await next()
    if (koaContext.path !== '/end_session/confirm') return
    const location = koaContext.response.get('Location')
    if (location === '' || new URL(location, deps.issuer).origin === deps.issuer) return
    const ctx = koaContext as unknown as KoaContextWithOIDC
    const client = await selfRegistered(ctx, deps)
    if (client) showContinue(ctx, deps, client, { href: takeLocation(ctx) })
  }
}

async function selfRegistered({ oidc }: KoaContextWithOIDC, { clients }: Deps): Promise<Client | undefined> {
  const client = oidc.client && (await clients.find(oidc.client.clientId))
  return client && isSelfRegistered(client) ? client : undefined
}

function takeLocation(ctx: KoaContextWithOIDC): string {
  const location = ctx.response.get('Location')
  ctx.remove('Location')
  return location
}

/** @param target validated: one of the client's registered addresses, with what it is told */
function showContinue(
  koaContext: KoaContextWithOIDC,
  { pages }: Deps,
  { clientId, clientName }: Client,
  target: { readonly href: string; readonly fields?: Readonly<Record<string, string>> },
): void {
  const ctx = koaContext as unknown as Context
  const url = new URL(target.href)
  if (target.fields) allowFormRedirect(ctx, target.href)
  const host = url.host || url.protocol
  // A name that it has not said is its id.
  const client = { name: clientName === clientId ? host : clientName, host }
  // The form leaves this server: no token of ours in it.
  pages.render(ctx, <ContinuePage client={client} {...target} />, { forms: false })
}
