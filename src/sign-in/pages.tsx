/**
 * SIGN-IN: proving a person. This room owns the password rules and hashes, the throttle, known devices, invitations, and
 * the pages `/`, `/sign-in`, `/sign-up`, `/sign-out`. It keeps no session (oidc does; app.ts passes it in) and knows no
 * client: a sign-in that an application asked for happens in the provider's interactions, through the same two functions
 * (authenticate-password.ts, create-account.ts).
 */
import { Router, type RouterContext } from '@koa/router'
import { HomePage } from '../../views/home/home-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { SignInPage } from '../../views/sign-in/sign-in-page.tsx'
import { SignUpPage } from '../../views/sign-in/sign-up-page.tsx'
import type { BrowserSessions } from '../accounts/browser-session.ts'
import { findSignedIn } from '../accounts/signed-in.ts'
import type { Config } from '../config.ts'
import type { State } from '../http/context.ts'
import type { Csrf } from '../http/csrf.ts'
import { readForm } from '../http/forms.ts'
import type { Pages } from '../http/pages.ts'
import { type PasswordDeps, type ProvenPerson, signInWithPassword } from './authenticate-password.ts'
import { checkSignUp, signUp } from './create-account.ts'
import { typedFields } from './new-account.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { localPath } from './return-to.ts'

export interface SignInPagesDeps extends PasswordDeps {
  readonly config: Pick<Config, 'issuer' | 'signUp'>
  readonly sessions: BrowserSessions
  readonly pages: Pages
  readonly csrf: Csrf
}

type PageContext = RouterContext<State>

export function createSignInPages(deps: SignInPagesDeps): Router<State> {
  const { db, config, sessions, pages, csrf } = deps
  const authenticate = signInWithPassword(deps)
  const createPerson = signUp(deps)
  const signUpOpen = config.signUp === 'open'
  const router = new Router<State>()

  const returnTo = (wanted: string | undefined) => localPath(wanted, config.issuer)
  const signedIn = (ctx: PageContext) => findSignedIn(ctx, { db, sessions })

  async function start(ctx: PageContext, { accountId, amr }: ProvenPerson, next: string | undefined) {
    await sessions.signIn(ctx, accountId, { amr })
    seeOther(ctx, next ?? paths.account)
  }

  router.get(paths.home, async ctx => {
    const person = await signedIn(ctx)
    const page = (
      <HomePage
        issuer={config.issuer}
        signedIn={person?.account}
        signUpOpen={signUpOpen}
        protocolLinks={{
          discovery: `${config.issuer}/.well-known/openid-configuration`,
          jwks: `${config.issuer}/jwks`,
          api: `${config.issuer}/v1/openapi.json`,
        }}
      />
    )
    pages.render(ctx, page, { account: person?.account })
  })

  function showSignIn(ctx: PageContext, username: string, next: string | undefined, refusal?: Refusal) {
    const page = (
      <SignInPage
        action={paths.signIn}
        values={{ username }}
        errors={refusal?.errors}
        formError={refusal?.status === 429 ? undefined : refusal?.formError}
        retryAfterSeconds={refusal?.retryAfterSeconds}
        signUpUrl={signUpOpen ? withReturnTo(paths.signUp, next) : undefined}
        returnTo={next}
      />
    )
    pages.render(ctx, page, { status: refusal?.status ?? 200 })
  }

  router.get(paths.signIn, async ctx => {
    const next = returnTo(queryOf(ctx, 'return_to'))
    if (await signedIn(ctx)) seeOther(ctx, next ?? paths.account)
    else showSignIn(ctx, '', next)
  })

  router.post(paths.signIn, async ctx => {
    const form = await readForm(ctx)
    csrf.check(ctx, form)
    const next = returnTo(form.get('return_to'))
    const fields = { username: form.get('username'), password: form.get('password') }
    try {
      await start(ctx, await authenticate(ctx, fields), next)
    } catch (error) {
      showSignIn(ctx, fields.username ?? '', next, refusalOf(ctx, error))
    }
  })

  function showSignUp(
    ctx: PageContext,
    values: ReturnType<typeof typedFields>,
    { next, invite, refusal }: { next: string | undefined; invite: string | undefined; refusal?: Refusal },
  ) {
    const page = (
      <SignUpPage
        action={paths.signUp}
        values={values}
        errors={refusal?.errors ?? {}}
        formError={refusal?.formError}
        signInUrl={withReturnTo(paths.signIn, next)}
        returnTo={next}
        invite={invite}
      />
    )
    pages.render(ctx, page, { status: refusal?.status ?? 200 })
  }

  router.get(paths.signUp, async ctx => {
    const next = returnTo(queryOf(ctx, 'return_to'))
    const invite = queryOf(ctx, 'invite')
    if (await signedIn(ctx)) return seeOther(ctx, next ?? paths.account)
    await checkSignUp(deps, invite)
    showSignUp(ctx, { username: '', name: '', email: '' }, { next, invite })
  })

  router.post(paths.signUp, async ctx => {
    const form = await readForm(ctx)
    csrf.check(ctx, form)
    const next = returnTo(form.get('return_to'))
    try {
      await start(ctx, await createPerson(ctx, form), next)
    } catch (error) {
      showSignUp(ctx, typedFields(form), { next, invite: form.get('invite'), refusal: refusalOf(ctx, error) })
    }
  })

  router.post(paths.signOut, async ctx => {
    csrf.check(ctx, await readForm(ctx))
    await sessions.signOut(ctx)
    seeOther(ctx, paths.home)
  })

  return router
}

/** undefined also when it was sent more than once. */
function queryOf(ctx: PageContext, name: string): string | undefined {
  const value = ctx.query[name]
  return typeof value === 'string' ? value : undefined
}

function withReturnTo(path: string, next: string | undefined): string {
  return next === undefined ? path : `${path}?${new URLSearchParams({ return_to: next })}`
}

/** 303: the next request is a GET, whatever this one was. */
function seeOther(ctx: PageContext, path: string): void {
  ctx.status = 303
  ctx.redirect(path)
}
