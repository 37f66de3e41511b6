/**
 * Before something ends for good: was it really this person who signed in, and not long ago? When not, the answer is a
 * page that asks for the password and holds the form that was sent; sending it again with the right password renews the
 * session and goes on. The same throttle and the same equal answers as at the sign-in page.
 */
import { ConfirmPasswordPage } from '../../views/sign-in/confirm-password-page.tsx'
import type { BrowserSessions } from '../accounts/browser-session.ts'
import type { RecentSignIn } from '../accounts/person-routes.ts'
import type { Form } from '../http/forms.ts'
import type { Pages } from '../http/pages.ts'
import { type PasswordDeps, signInWithPassword } from './authenticate-password.ts'
import { type Refusal, refusalOf } from './refusal.ts'

export interface RecentSignInDeps extends PasswordDeps {
  readonly sessions: BrowserSessions
  readonly pages: Pages
}

const RECENT_SECONDS = 15 * 60
/** Of this page, not of the form that it holds. */
const OWN_FIELDS = ['password', 'csrf']
/** The username is known here, and was not typed. */
const WRONG_PASSWORD = 'The password is wrong.'

export function createRecentSignIn(deps: RecentSignInDeps): RecentSignIn {
  const { sessions, pages } = deps
  const authenticate = signInWithPassword(deps)

  return async (ctx, { account, session }, form) => {
    if (Date.now() - session.signedInAt.getTime() < RECENT_SECONDS * 1000) return true
    const password = form.get('password')
    let refusal: Refusal | undefined
    if (password !== undefined) {
      try {
        const { accountId, amr } = await authenticate(ctx, { username: account.username, password })
        await sessions.signIn(ctx, accountId, { amr })
        return true
      } catch (error) {
        refusal = refusalOf(ctx, error)
      }
    }
    const page = (
      <ConfirmPasswordPage
        action={ctx.path}
        intent={intentOf(form)}
        username={account.username}
        error={refusal?.errors.password ?? (refusal?.status === 401 ? WRONG_PASSWORD : undefined)}
        formError={refusal?.status === 401 ? undefined : refusal?.formError}
        retryAfterSeconds={refusal?.retryAfterSeconds}
      />
    )
    pages.render(ctx, page, { status: refusal?.status ?? 200 })
    return false
  }
}

const intentOf = (form: Form) => form.entries().filter(([name]) => !OWN_FIELDS.includes(name))
