/** What the provider's answers need before they go out. */
import type { Middleware } from 'koa'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Context } from '../http/context.ts'
import { allowFormRedirect } from '../http/headers.ts'
import { POLL_INTERVAL } from './device-code.ts'

/** Introspection is for servers, device authorization for what is no browser; for the rest the client decides (settings.ts). */
const closeToBrowsers: Middleware = async (ctx, next) => {
  await next()
  if (ctx.path !== '/introspect' && ctx.path !== '/device_authorization') return
  for (const name of ['Access-Control-Allow-Origin', 'Access-Control-Expose-Headers']) ctx.remove(name)
}

/** Where the forms that the library sends by themselves end up: validated by it before the form was made. */
function formTargets({ oidc }: KoaContextWithOIDC): unknown[] {
  if (oidc.route === 'end_session') {
    const { state } = oidc.session as unknown as { state?: { postLogoutRedirectUri?: string } }
    return [state?.postLogoutRedirectUri]
  }
  // Signing the wrong person out, to go on with the request afterwards.
  if (oidc.route === 'resume') return [oidc.entities.Interaction?.params.redirect_uri]
  return [oidc.redirectUriCheckPerformed && oidc.params?.redirect_uri]
}

/**
 * The library has pages whose form is posted by a script of theirs: response_mode form_post, and signing out where
 * nobody is signed in. Chromium stops what follows such a form unless the policy names its end.
 */
const allowRedirects: Middleware = async (ctx, next) => {
  await next()
  if (!ctx.response.get('Content-Security-Policy').includes("'sha256-")) return
  for (const uri of formTargets(ctx as unknown as KoaContextWithOIDC))
    if (typeof uri === 'string') allowFormRedirect(ctx as unknown as Context, uri)
}

/** RFC 8628, section 3.2: the library leaves it to the device to know. */
const sayInterval: Middleware = async (ctx, next) => {
  await next()
  const body: unknown = ctx.body
  if (ctx.path !== '/device_authorization' || typeof body !== 'object' || body === null) return
  if ('device_code' in body) ctx.body = { ...body, interval: POLL_INTERVAL }
}

export const finishAnswers: readonly Middleware[] = [closeToBrowsers, allowRedirects, sayInterval]
