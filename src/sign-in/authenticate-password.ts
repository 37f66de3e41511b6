/**
 * Who is this, given a username and a password? The one place that decides it, for the sign-in page and for the
 * provider's interactions. Unknown, wrong, disabled and without a password get the same answer, after the same work. It
 * starts no session: the caller does.
 */
import { normalizeUsername } from '../accounts/account-fields.ts'
import {
  findStoredPassword,
  hasPasswordHash,
  replacePasswordHash,
  type StoredPassword,
} from '../accounts/account-password.ts'
import type { Audit } from '../audit/audit.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { type Context, sourceOf } from '../http/context.ts'
import type { CookieNames } from '../http/cookies.ts'
import { type FieldError, Problem, validationFailed } from '../http/problem.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { createDevices } from './device.ts'
import { hashPassword, isOutdated, verifyPassword } from './password.ts'
import { type CountedTry, createThrottle } from './throttle.ts'

export interface PasswordDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly cookies: CookieNames
  readonly audit: Audit
}

export interface PasswordFields {
  readonly username: string | undefined
  readonly password: string | undefined
}

export interface ProvenPerson {
  readonly accountId: string
  /** RFC 8176. */
  readonly amr: ['pwd']
}

export type SignInWithPassword = (ctx: Context, fields: PasswordFields) => Promise<ProvenPerson>

/**
 * The returned function throws Problem 400 `validation_failed` with `errors` for an empty field, 401
 * `invalid_credentials`, 429 `rate_limited`, 503 when too many passwords are waiting; the last two with `Retry-After`.
 * refusal.ts turns these into what a form shows.
 */
export function signInWithPassword({ db, keyring, cookies, audit }: PasswordDeps): SignInWithPassword {
  const throttle = createThrottle({ db, keyring })
  const devices = createDevices({ db, keyring, cookies })

  return async (ctx, fields) => {
    const { username, password } = required(fields)
    const source = sourceOf(ctx)
    const refused = (reason: string, stored?: StoredPassword) =>
      audit.recordLater({
        type: 'sign_in',
        outcome: 'refused',
        actor: { type: 'anonymous' },
        // Never the username as typed: people type passwords there.
        ...(stored && { subject: { type: 'account', id: stored.accountId } }),
        source,
        detail: { method: 'pwd', reason },
      })

    const knownDevice = await devices.find(ctx, username)
    let counted: CountedTry
    try {
      counted = await throttle.countPassword({ username, address: source.address, knownDevice })
    } catch (error) {
      refused('throttled')
      throw error
    }

    const stored = await findStoredPassword(db, username)
    const current = stored && !stored.disabled ? (stored.passwordHash ?? undefined) : undefined
    let matches: boolean
    let better: string | undefined
    try {
      matches = await verifyPassword(current, password)
      if (matches && current && isOutdated(current)) better = await hashPassword(password)
    } catch (error) {
      await counted.giveBack()
      throw error
    }
    if (!matches || !stored || !current) {
      refused(stored ? (stored.disabled ? 'disabled' : 'wrong_password') : 'unknown_username', stored)
      throw invalidCredentials()
    }

    const setDeviceCookie = await transaction(db, async tx => {
      if (!(await hasPasswordHash(tx, stored.accountId, current))) return undefined
      if (better) await replacePasswordHash(tx, stored.accountId, { current, better })
      const actor = { type: 'account', id: stored.accountId } as const
      await audit.record(tx, {
        type: 'sign_in',
        outcome: 'success',
        actor,
        source,
        detail: { method: 'pwd' },
      })
      return await devices.remember(ctx, tx, stored.accountId)
    })
    if (!setDeviceCookie) {
      refused('changed_meanwhile', stored)
      throw invalidCredentials()
    }
    await counted.succeed()
    setDeviceCookie()
    return { accountId: stored.accountId, amr: ['pwd'] }
  }
}

function required({ username, password }: PasswordFields): { username: string; password: string } {
  const wanted = normalizeUsername(username ?? '')
  const errors: FieldError[] = []
  if (wanted === '') errors.push({ path: 'username', message: 'Enter your username.' })
  if (!password) errors.push({ path: 'password', message: 'Enter your password.' })
  if (errors.length > 0) throw validationFailed(errors)
  return { username: wanted, password: password ?? '' }
}

/** 401, the same for every reason. */
function invalidCredentials(): Problem {
  return new Problem(401, 'invalid_credentials', 'The username or the password is wrong.')
}
