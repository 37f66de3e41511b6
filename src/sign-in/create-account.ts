/**
 * Somebody makes an account for themselves: the sign-up page and the provider's interactions. The setting SIGN_UP decides
 * who may. A taken username is said to be taken (throttled per source); whether an e-mail address is known never is. It
 * starts no session: the caller does.
 */
import { createAccount } from '../accounts/account.ts'
import type { Config } from '../config.ts'
import { transaction } from '../db/transaction.ts'
import { type Context, sourceOf } from '../http/context.ts'
import type { Form } from '../http/forms.ts'
import { Problem } from '../http/problem.ts'
import type { PasswordDeps, ProvenPerson } from './authenticate-password.ts'
import { createDevices } from './device.ts'
import { claimInvitation, invitationNeeded, isInvitationOpen } from './invitation.ts'
import { type NewAccountFields, parseNewAccount } from './new-account.ts'
import { hashPassword } from './password.ts'
import { createThrottle } from './throttle.ts'

export interface SignUpDeps extends PasswordDeps {
  readonly config: Pick<Config, 'signUp'>
}

export type SignUp = (ctx: Context, form: Form) => Promise<ProvenPerson>

/**
 * The returned function reads the fields `username`, `name`, `email`, `password`, with SIGN_UP=invite also `invite`. It
 * throws Problem 403 as `checkSignUp`, 400 `validation_failed` and 409 `conflict` (the username) with `errors`, 429
 * `rate_limited`, 503 when too many passwords are waiting. refusal.ts turns all but the 403 into what a form shows.
 */
export function signUp(deps: SignUpDeps): SignUp {
  const { db, keyring, cookies, audit, config } = deps
  const throttle = createThrottle({ db, keyring })
  const devices = createDevices({ db, keyring, cookies })

  async function createPerson(ctx: Context, fields: NewAccountFields, invite: string | undefined) {
    const { password, ...account } = fields
    const passwordHash = await hashPassword(password)
    return transaction(db, async tx => {
      if (config.signUp === 'invite') await claimInvitation(tx, keyring, invite ?? '')
      const { id } = await createAccount(tx, { ...account, passwordHash })
      const actor = { type: 'account', id } as const
      await audit.record(tx, { type: 'sign_up', outcome: 'success', actor, source: sourceOf(ctx) })
      return { accountId: id, setDeviceCookie: await devices.remember(ctx, tx, id) }
    })
  }

  return async (ctx, form) => {
    const invite = form.get('invite')
    await checkSignUp(deps, invite)
    const fields = parseNewAccount(form)
    const counted = await throttle.countSignUp(sourceOf(ctx).address)
    try {
      const { accountId, setDeviceCookie } = await createPerson(ctx, fields, invite)
      await counted.succeed()
      setDeviceCookie()
      return { accountId, amr: ['pwd'] }
    } catch (error) {
      // Whoever is told that a name is taken has used up a try.
      if (!isConflict(error)) await counted.giveBack()
      throw error
    }
  }
}

/** Whether there is a form to show. @throws Problem 403 when accounts cannot be made, or not without an open invitation */
export async function checkSignUp(
  { db, keyring, config }: Pick<SignUpDeps, 'db' | 'keyring' | 'config'>,
  invite: string | undefined,
): Promise<void> {
  if (config.signUp === 'closed') throw signUpClosed()
  if (config.signUp === 'open') return
  if (!invite || !(await isInvitationOpen(db, keyring, invite))) throw invitationNeeded()
}

const isConflict = (error: unknown) => error instanceof Problem && error.status === 409

const signUpClosed = () =>
  new Problem(403, 'access_denied', 'Accounts cannot be created here. Ask whoever runs this server for one.')
