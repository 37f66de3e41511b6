/**
 * Who may post a form: our own pages. One random cookie per browser, so that several tabs work; each form carries an
 * HMAC of it, so that a page which can plant cookies still cannot make a token. Asked by every room with a form.
 */
import { createHmac } from 'node:crypto'
import { equal } from '../secrets/compare.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { randomToken } from '../secrets/token.ts'
import type { Context } from './context.ts'
import { type CookieNames, readCookie, setCookie } from './cookies.ts'
import type { Form } from './forms.ts'
import { Problem } from './problem.ts'

export interface Csrf {
  /** The value of the hidden field `csrf`. Sets the cookie when the browser has none. */
  token(ctx: Context): string
  /** @throws Problem 403 unless the request comes from a page of ours. For forms with a token of their own. */
  checkOrigin(ctx: Context): void
  /** @throws Problem 403 unless the request comes from a page of ours and the token fits the cookie */
  check(ctx: Context, form: Pick<Form, 'get'>): void
}

const COOKIE_VALUE = /^[\w-]{43}$/

const refused = (detail: string) =>
  new Problem(
    403,
    'csrf_failed',
    'This form is too old or came from another site. Go back, reload the page and try again.',
    detail,
  )

export function createCsrf({
  keyring,
  cookies,
  issuer,
}: {
  keyring: Keyring
  cookies: CookieNames
  issuer: string
}): Csrf {
  const fresh = new WeakMap<object, string>()

  const sent = (ctx: Context) => {
    const value = readCookie(ctx, cookies.csrf)
    return value !== undefined && COOKIE_VALUE.test(value) ? value : undefined
  }

  const checkOrigin = (ctx: Context) => {
    const site = ctx.get('sec-fetch-site')
    // Browsers leave Sec-Fetch-Site out on plain http; they send Origin with every POST.
    if (site !== '' ? site !== 'same-origin' : ctx.get('origin') !== issuer)
      throw refused(`Sec-Fetch-Site: ${site || 'absent'}, Origin: ${ctx.get('origin') || 'absent'}`)
  }

  const tokens = (value: string) =>
    keyring.derive('csrf').map(({ key }) => createHmac('sha256', key).update(value).digest('base64url'))

  return {
    checkOrigin,
    token(ctx) {
      let value = sent(ctx) ?? fresh.get(ctx.req)
      if (value === undefined) {
        value = randomToken(32)
        fresh.set(ctx.req, value)
        setCookie(ctx, cookies, 'csrf', value)
      }
      const [token] = tokens(value)
      if (token === undefined) throw new Error('The keyring has no keys')
      return token
    },
    check(ctx, form) {
      checkOrigin(ctx)
      const value = sent(ctx)
      if (value === undefined) throw refused('no CSRF cookie')
      const token = form.get('csrf')
      if (token === undefined) throw refused('no CSRF token in the form')
      if (!tokens(value).some(valid => equal(valid, token))) throw refused('the CSRF token does not fit')
    },
  }
}
