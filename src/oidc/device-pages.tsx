/**
 * The pages where a person lets a device in (RFC 8628): sign in, enter the code that the device shows, decide. They are
 * ours, not the library's: it would let any browser decide that knows the code, skip the question where consent is
 * remembered, and write its documents in two steps. What is granted is what the device has asked for, less what was
 * unticked; the form adds nothing.
 */
import Router from '@koa/router'
import { ConfirmDevicePage } from '../../views/device/confirm-device-page.tsx'
import { DeviceDecidedPage } from '../../views/device/device-decided-page.tsx'
import { EnterCodePage } from '../../views/device/enter-code-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { en } from '../../views/messages/en.ts'
import { SignInPage } from '../../views/sign-in/sign-in-page.tsx'
import type { BrowserSessions } from '../accounts/browser-session.ts'
import { findOrganization } from '../accounts/organization.ts'
import {
  type PageContext,
  type Posted,
  parameter,
  personRoutes,
  queryOf,
  type RecentSignIn,
  seeOther,
} from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import { describeUserAgent } from '../accounts/user-agent.ts'
import type { Client } from '../clients/client.ts'
import { DEVICE_CODE } from '../clients/client-schema.ts'
import { type State, sourceOf } from '../http/context.ts'
import type { Pages } from '../http/pages.ts'
import { invalidRequest, Problem, validationFailed } from '../http/problem.ts'
import { type Refusal, refusalOf } from '../sign-in/refusal.ts'
import { createThrottle } from '../sign-in/throttle.ts'
import { filterAccess, isEmpty } from './access.ts'
import { allowDevice, denyDevice } from './answer-device.ts'
import { consentGroups } from './consent-groups.ts'
import type { OidcDeps } from './deps.ts'
import { claimDevice, findDevice, normalUserCode, type WaitingDevice } from './device-code.ts'
import { consentQuestion } from './existing-grant.ts'
import { isVerified } from './self-registered.tsx'

export interface DevicePagesDeps extends OidcDeps {
  readonly sessions: BrowserSessions
  readonly pages: Pages
  readonly recentSignIn: RecentSignIn
}

const SWITCH_ACCOUNT = `${paths.device}/switch-account`
/** A device may say of itself what it likes, but not fill the page with it. */
const LONGEST_NAME = 100
const LONGEST_CODE = 64

const withCode = (userCode: string) =>
  userCode === '' ? paths.device : `${paths.device}?${new URLSearchParams({ user_code: userCode })}`

const wrongCode = (message: string) => validationFailed([{ path: 'user_code', message }])

/** The same for what has run out, is another session's and never was. */
const over = () => new Problem(410, 'device_code_over', en.device.over)

export function createDevicePages(deps: DevicePagesDeps): Router<State> {
  const { db, keyring, clients, resources, pages, audit } = deps
  const throttle = createThrottle(deps)
  const router = new Router<State>()
  const routes = personRoutes(router, deps)

  function showEntry(
    ctx: PageContext,
    { account }: SignedIn,
    shown: { userCode: string; prefilled?: boolean },
    refusal?: Refusal,
  ) {
    const page = (
      <EnterCodePage
        {...shown}
        account={account}
        error={refusal?.errors.user_code}
        retryAfterSeconds={refusal?.retryAfterSeconds}
        switchAccountAction={SWITCH_ACCOUNT}
      />
    )
    pages.render(ctx, page, { status: refusal?.status ?? 200 })
  }

  /** The id of the device whose code was typed. @throws Problem with `errors`, 429 */
  async function enter(ctx: PageContext, { account, session }: SignedIn, typed: string): Promise<string> {
    if (typed.trim() === '') throw wrongCode(en.device.missing)
    const userCode = normalUserCode(typed)
    if (userCode === undefined) throw wrongCode(en.device.malformed)
    const source = sourceOf(ctx)
    const refused = (reason: string) =>
      audit.recordLater({
        type: 'user_code',
        outcome: 'refused',
        actor: { type: 'account', id: account.id },
        credential: { kind: 'session', id: session.uid },
        source,
        detail: { reason },
      })
    const counted = await throttle
      .countUserCode({ accountId: account.id, address: source.address })
      .catch((error: unknown) => {
        refused('throttled')
        throw error
      })
    const id = await claimDevice(db, keyring, userCode, session.uid)
    if (id === undefined) {
      refused('unknown')
      throw wrongCode(en.device.unknown)
    }
    await counted.giveBack()
    return id
  }

  /** @throws Problem 410 unless this session has entered the code of a device that can still be answered, or was */
  async function waiting(ctx: PageContext, { session }: SignedIn) {
    const device = await findDevice(db, parameter(ctx, 'id'), session.uid)
    const client = device && (await clients.find(device.clientId))
    if (!device || !client || client.disabled || !client.grantTypes.includes(DEVICE_CODE)) throw over()
    return { device, client }
  }

  async function showQuestion(
    ctx: PageContext,
    { account }: SignedIn,
    device: WaitingDevice,
    client: Client,
  ): Promise<void> {
    const { permitted } = await consentQuestion(deps, account.id, client, device.params)
    const organization =
      client.organizationId === null ? undefined : await findOrganization(db, client.organizationId)
    const page = (
      <ConfirmDevicePage
        action={`${paths.device}/${device.id}`}
        client={{
          name: client.clientName,
          logoUri: client.metadata.logo_uri,
          verified: isVerified(client),
          organization: organization?.name,
        }}
        account={account}
        device={{
          name: describeUserAgent(device.userAgent) || (device.userAgent ?? '').slice(0, LONGEST_NAME),
          address: device.address ?? '',
          askedAt: device.askedAt,
        }}
        groups={await consentGroups(resources, permitted)}
        switchAccountAction={SWITCH_ACCOUNT}
      />
    )
    pages.render(ctx, page, { account })
  }

  async function decide(ctx: PageContext, posted: Posted): Promise<void> {
    const { account, session, form } = posted
    const { device, client } = await waiting(ctx, posted)
    const here = `${paths.device}/${device.id}`
    if (device.decision !== undefined) return seeOther(ctx, here)
    const decision = form.get('decision')
    if (decision !== 'allow' && decision !== 'deny')
      throw invalidRequest('The field decision must be allow or deny.')
    const { asked, permitted } = await consentQuestion(deps, account.id, client, device.params)
    const ticked = new Set(form.all('scope'))
    const granted = filterAccess(permitted, scope => scope === 'openid' || ticked.has(scope))
    const answer = { device, client, session, source: sourceOf(ctx) }
    // Nothing ticked is a no.
    const decided =
      decision === 'allow' && !isEmpty(granted)
        ? await allowDevice(deps, { ...answer, asked, granted })
        : await denyDevice(deps, answer)
    if (!decided) throw over()
    seeOther(ctx, here)
  }

  routes.show(paths.device, async (ctx, person) => {
    const userCode = (queryOf(ctx, 'user_code') ?? '').slice(0, LONGEST_CODE)
    showEntry(ctx, person, { userCode, prefilled: userCode !== '' })
  })

  routes.act(
    paths.device,
    () => paths.device,
    async (ctx, posted) => {
      const typed = posted.form.get('user_code') ?? ''
      try {
        seeOther(ctx, `${paths.device}/${await enter(ctx, posted, typed)}`)
      } catch (error) {
        showEntry(ctx, posted, { userCode: typed.slice(0, LONGEST_CODE) }, refusalOf(ctx, error))
      }
    },
  )

  // The session of now ends when somebody else has signed in, and with it what it holds of a device.
  routes.act(
    SWITCH_ACCOUNT,
    () => paths.device,
    async (ctx, { form }) => {
      const returnTo = withCode((form.get('user_code') ?? '').slice(0, LONGEST_CODE))
      pages.render(ctx, <SignInPage action={paths.signIn} values={{ username: '' }} returnTo={returnTo} />)
    },
  )

  routes.show(`${paths.device}/:id`, async (ctx, person) => {
    const { device, client } = await waiting(ctx, person)
    if (device.decision === undefined) return showQuestion(ctx, person, device, client)
    const page = (
      <DeviceDecidedPage allowed={device.decision === 'allowed'} client={{ name: client.clientName }} />
    )
    pages.render(ctx, page, { account: person.account })
  })

  routes.act(`${paths.device}/:id`, ctx => ctx.path, decide)

  return router
}
