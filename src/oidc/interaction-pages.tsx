/**
 * The pages of an authorization request: sign-in (or sign-up), then consent where there is something to ask, both in one
 * interaction. What is granted is what the server recorded, less what was unticked; the form adds nothing.
 */
import Router from '@koa/router'
import type { Interaction, Provider } from 'oidc-provider'
import { ConsentPage } from '../../views/oidc/consent-page.tsx'
import { SignInPage, type SignInPageProps } from '../../views/sign-in/sign-in-page.tsx'
import { SignUpPage, type SignUpPageProps } from '../../views/sign-in/sign-up-page.tsx'
import { findAccount } from '../accounts/account.ts'
import type { BrowserSession, BrowserSessions } from '../accounts/browser-session.ts'
import { findOrganization } from '../accounts/organization.ts'
import { documentHost } from '../clients/document-address.ts'
import { transaction } from '../db/transaction.ts'
import { type Context, type State, sourceOf } from '../http/context.ts'
import { type Form, readForm } from '../http/forms.ts'
import { allowFormRedirect } from '../http/headers.ts'
import type { Pages } from '../http/pages.ts'
import { invalidRequest } from '../http/problem.ts'
import { signInWithPassword } from '../sign-in/authenticate-password.ts'
import { checkSignUp, signUp } from '../sign-in/create-account.ts'
import { typedFields } from '../sign-in/new-account.ts'
import { refusalOf } from '../sign-in/refusal.ts'
import { type Access, filterAccess, isEmpty, NO_ACCESS, subtract } from './access.ts'
import { recordConsent } from './consent.ts'
import { consentGroups } from './consent-groups.ts'
import type { OidcDeps } from './deps.ts'
import { asksAgain, consentQuestion, type Question } from './existing-grant.ts'
import { createGrant } from './grant.ts'
import { finish, getInteraction, recordSignIn, signedInFor, type Waiting } from './interaction.ts'
import { isVerified, noteAct } from './self-registered.tsx'

export interface InteractionPagesDeps extends OidcDeps {
  readonly provider: () => Provider
  readonly sessions: BrowserSessions
  readonly pages: Pages
}

type RouteContext = Context & { readonly params: Record<string, string | undefined> }

const pathOf = ({ uid }: Interaction) => `/interaction/${uid}`

/** 303: the next request is a GET, whatever this one was. */
function seeAgain(ctx: Context, interaction: Interaction, query = ''): void {
  ctx.status = 303
  ctx.redirect(`${pathOf(interaction)}${query}`)
}

export function createInteractionPages(deps: InteractionPagesDeps): Router<State> {
  const { config, db, resources, sessions, pages, csrf, audit } = deps
  const authenticate = signInWithPassword(deps)
  const createPerson = signUp(deps)

  const waiting = async (ctx: RouteContext): Promise<Waiting> => {
    const found = await getInteraction(ctx, ctx.params.uid, {
      provider: deps.provider(),
      clients: deps.clients,
    })
    allowFormRedirect(ctx, found.redirectUri)
    return found
  }

  const postedTo = async (ctx: RouteContext): Promise<Waiting & { form: Form }> => {
    const form = await readForm(ctx)
    csrf.check(ctx, form)
    return { ...(await waiting(ctx)), form }
  }

  /** Who has signed in for this request; a session whose account is gone or disabled does not count. */
  async function signedIn(ctx: RouteContext, interaction: Interaction) {
    const session = signedInFor(interaction, await sessions.find(ctx))
    const account = session && (await findAccount(db, session.accountId))
    return session && account && !account.disabled ? { session, account } : undefined
  }

  function showSignIn(
    ctx: RouteContext,
    { interaction, client }: Waiting,
    refused: Partial<SignInPageProps> = {},
    status = 200,
  ) {
    const { login_hint: hint } = interaction.params
    pages.render(
      ctx,
      <SignInPage
        action={pathOf(interaction)}
        values={{ username: typeof hint === 'string' ? hint.slice(0, 64) : '' }}
        client={{ name: client.clientName }}
        signUpUrl={config.signUp === 'open' ? `${pathOf(interaction)}/sign-up` : undefined}
        {...refused}
      />,
      { status },
    )
  }

  function showSignUp(
    ctx: RouteContext,
    { interaction, client }: Waiting,
    refused: Partial<SignUpPageProps> = {},
    status = 200,
  ) {
    pages.render(
      ctx,
      <SignUpPage
        action={`${pathOf(interaction)}/sign-up`}
        values={{ username: '', name: '', email: '' }}
        errors={{}}
        client={{ name: client.clientName }}
        signInUrl={pathOf(interaction)}
        {...refused}
      />,
      { status },
    )
  }

  async function showConsent(
    ctx: RouteContext,
    { interaction, client, redirectUri }: Waiting,
    account: { name: string; username: string; admin: boolean },
    { asking, allowed }: { asking: Access; allowed: Access },
  ) {
    const organization =
      client.organizationId === null ? undefined : await findOrganization(db, client.organizationId)
    const target = new URL(redirectUri)
    pages.render(
      ctx,
      <ConsentPage
        action={pathOf(interaction)}
        client={{
          name: client.clientName,
          logoUri: client.metadata.logo_uri,
          describedAt:
            client.registration === 'metadata_document' ? documentHost(client.clientId) : undefined,
          verified: isVerified(client),
          host: target.host || target.protocol,
          organization: organization?.name,
        }}
        account={account}
        groups={await consentGroups(resources, asking)}
        alreadyAllowed={await consentGroups(resources, allowed)}
        switchAccountAction={`${pathOf(interaction)}/switch-account`}
      />,
      { account },
    )
  }

  /** What the consent page asks; the rest was allowed before. */
  function toAsk({ interaction, client }: Waiting, question: Question): { asking: Access; allowed: Access } {
    const anew =
      asksAgain(client, interaction.params.prompt) ||
      (client.applicationType === 'native' && client.requireConsent)
    return anew
      ? { asking: question.permitted, allowed: NO_ACCESS }
      : { asking: question.open, allowed: question.allowed }
  }

  const deny = (ctx: RouteContext, interaction: Interaction, description: string) =>
    finish(ctx, interaction, { error: 'access_denied', description })

  async function allow(
    ctx: RouteContext,
    { interaction, client }: Waiting,
    session: BrowserSession,
    asked: Access,
    granted: Access,
  ) {
    const { accountId, uid: sessionUid } = session
    const grantId = await transaction(db, async tx => {
      if (client.requireConsent) await recordConsent(tx, accountId, client.clientId, granted)
      await audit.record(tx, {
        type: 'consent_given',
        outcome: 'success',
        actor: { type: 'account', id: accountId },
        subject: { type: 'account', id: accountId },
        credential: { kind: 'session', id: sessionUid },
        clientId: client.clientId,
        source: sourceOf(ctx),
        detail: { openid: granted.openid, resources: Object.fromEntries(granted.resources) },
      })
      return createGrant(tx, deps, {
        accountId,
        client,
        sessionUid,
        granted,
        rejected: subtract(asked, granted),
      })
    })
    await finish(ctx, interaction, { session, grantId })
  }

  async function showNextPage(ctx: RouteContext, request: Waiting): Promise<void> {
    const { interaction, client } = request
    const person = await signedIn(ctx, interaction)
    if (!person || ctx.query.switch_account !== undefined) return showSignIn(ctx, request)
    const question = await consentQuestion(deps, person.session.accountId, client, interaction.params)
    if (isEmpty(question.permitted))
      return deny(ctx, interaction, 'the account may have none of what was asked for')
    const { asking, allowed } = toAsk(request, question)
    if (isEmpty(asking)) return allow(ctx, request, person.session, question.asked, question.allowed)
    // The answer must come from this session: another tab may sign somebody else in.
    await recordSignIn(interaction, person.session)
    return showConsent(ctx, request, person.account, { asking, allowed })
  }

  async function decide(ctx: RouteContext, request: Waiting, form: Form): Promise<void> {
    const { interaction, client } = request
    const person = await signedIn(ctx, interaction)
    if (!person || interaction.session?.uid !== person.session.uid) return seeAgain(ctx, interaction)
    noteAct(interaction)
    const decision = form.get('decision')
    if (decision === 'deny') return deny(ctx, interaction, 'the person did not allow it')
    if (decision !== 'allow') throw invalidRequest('The field decision must be allow or deny.')
    const question = await consentQuestion(deps, person.session.accountId, client, interaction.params)
    const { asking, allowed } = toAsk(request, question)
    const ticked = new Set(form.all('scope'))
    const before = (scope: string, resource?: string) =>
      (resource === undefined ? allowed.openid : (allowed.resources.get(resource) ?? [])).includes(scope)
    const asks = (scope: string, resource?: string) =>
      (resource === undefined ? asking.openid : (asking.resources.get(resource) ?? [])).includes(scope)
    const granted = filterAccess(
      question.permitted,
      (scope, resource) =>
        before(scope, resource) || (asks(scope, resource) && (scope === 'openid' || ticked.has(scope))),
    )
    if (isEmpty(granted)) return deny(ctx, interaction, 'the person allowed none of it')
    return allow(ctx, request, person.session, question.asked, granted)
  }

  async function startSession(
    ctx: RouteContext,
    interaction: Interaction,
    person: { accountId: string; amr: string[] },
  ) {
    await sessions.signIn(ctx, person.accountId, { amr: person.amr })
    const session = await sessions.find(ctx)
    noteAct(interaction)
    if (session) await recordSignIn(interaction, session)
    seeAgain(ctx, interaction)
  }

  const router = new Router<State>({ prefix: '/interaction/:uid' })

  router.get('/', async ctx => showNextPage(ctx, await waiting(ctx)))

  router.post('/', async ctx => {
    const { form, ...request } = await postedTo(ctx)
    if (form.get('decision') !== undefined) return decide(ctx, request, form)
    const username = form.get('username')
    try {
      await startSession(
        ctx,
        request.interaction,
        await authenticate(ctx, { username, password: form.get('password') }),
      )
    } catch (error) {
      const { status, ...refused } = refusalOf(ctx, error)
      showSignIn(ctx, request, { ...refused, values: { username: username ?? '' } }, status)
    }
  })

  router.post('/switch-account', async ctx => {
    const { interaction } = await postedTo(ctx)
    seeAgain(ctx, interaction, '?switch_account=true')
  })

  router.get('/sign-up', async ctx => {
    const request = await waiting(ctx)
    await checkSignUp(deps, undefined)
    showSignUp(ctx, request)
  })

  router.post('/sign-up', async ctx => {
    const { form, ...request } = await postedTo(ctx)
    try {
      await startSession(ctx, request.interaction, await createPerson(ctx, form))
    } catch (error) {
      const { status, errors, formError } = refusalOf(ctx, error)
      showSignUp(ctx, request, { errors, formError, values: typedFields(form) }, status)
    }
  })

  return router
}
