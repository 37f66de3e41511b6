/** The pages that the library asks for: sign-out, signed out, and errors that cannot go back to a client. */
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import { en } from '../../views/messages/en.ts'
import { SignOutPage } from '../../views/oidc/sign-out-page.tsx'
import { SignedOutPage } from '../../views/oidc/signed-out-page.tsx'
import { ProblemPage } from '../../views/problem/problem-page.tsx'
import { dialectOf } from '../http/answer.ts'
import type { Context } from '../http/context.ts'
import { allowFormRedirect } from '../http/headers.ts'
import type { Pages } from '../http/pages.ts'

export interface ProtocolPages {
  signOut(ctx: KoaContextWithOIDC, form: string): void
  signedOut(ctx: KoaContextWithOIDC): void
  error(ctx: KoaContextWithOIDC, out: ErrorOut, error: Error): void
}

/** The library's context is the app's own: it runs inside the app (oidc.ts). */
const ours = (ctx: KoaContextWithOIDC) => ctx as unknown as Context

const named = (ctx: KoaContextWithOIDC) => {
  const { client } = ctx.oidc
  return client && { name: client.clientName ?? client.clientId }
}

export function createProtocolPages(pages: Pages): ProtocolPages {
  return {
    signOut(ctx) {
      const { state } = ctx.oidc.session as unknown as {
        state: { secret: string; postLogoutRedirectUri?: string }
      }
      if (state.postLogoutRedirectUri !== undefined) allowFormRedirect(ours(ctx), state.postLogoutRedirectUri)
      const action = ctx.oidc.urlFor('end_session_confirm')
      pages.render(ours(ctx), <SignOutPage action={action} xsrf={state.secret} client={named(ctx)} />)
    },

    signedOut(ctx) {
      pages.render(ours(ctx), <SignedOutPage client={named(ctx)} />)
    },

    error(ctx, out) {
      const { status } = ctx
      // Programs too say that they like HTML, Java's oldest HTTP client for one.
      if (dialectOf(ours(ctx)) === 'oauth') {
        ctx.body = out
        return
      }
      const { requestId } = ours(ctx).state
      const { failed, notValid, messages, unknown } = en.problem
      const message = messages[out.error]
      pages.render(
        ours(ctx),
        <ProblemPage
          status={status}
          title={status >= 500 ? failed : notValid}
          message={message ?? out.error_description ?? unknown}
          detail={message && out.error_description}
          code={out.error}
          requestId={requestId}
        />,
        { status },
      )
    },
  }
}
