/**
 * The names and attributes of every cookie, decided once from the issuer for our pages and for the provider.
 * On https: `__Host-` for cookies of the whole site, `__Secure-` for the provider's two, which are path-scoped
 * (Chromium drops a `__Host-` cookie with another path than `/` without a word). On http neither prefix nor Secure.
 */
import type { Keyring } from '../secrets/keyring.ts'
import type { Context } from './context.ts'

export interface CookieNames {
  readonly session: string
  readonly csrf: string
  readonly device: string
  readonly interaction: string
  readonly resume: string
  readonly secure: boolean
}

/** @param issuer the origin, `https://…` or `http://…` */
export function cookieNames(issuer: string): CookieNames {
  const secure = issuer.startsWith('https:')
  const host = secure ? '__Host-' : ''
  const path = secure ? '__Secure-' : ''
  return {
    session: `${host}latchkey_session`,
    csrf: `${host}latchkey_csrf`,
    device: `${host}latchkey_device`,
    interaction: `${path}latchkey_interaction`,
    resume: `${path}latchkey_resume`,
    secure,
  }
}

/** No Domain, ever. `signed: false`: values are random or sealed, a second signature would only add a cookie. */
export function cookieOptions({ secure }: Pick<CookieNames, 'secure'>) {
  return { httpOnly: true, sameSite: 'lax', path: '/', secure, signed: false, overwrite: true } as const
}

/** The keys that sign cookies, newest first. Our app and the provider must have the same: each reads the other's. */
export function cookieKeys(keyring: Keyring): string[] {
  return keyring.derive('cookie').map(({ key }) => key.toString('base64url'))
}

/** @param options `maxAge` in seconds; without it the cookie ends with the browser. */
export function setCookie(
  ctx: Pick<Context, 'cookies'>,
  names: CookieNames,
  name: 'session' | 'csrf' | 'device',
  value: string,
  { maxAge }: { maxAge?: number } = {},
): void {
  ctx.cookies.set(names[name], value, {
    ...cookieOptions(names),
    ...(maxAge !== undefined && { maxAge: maxAge * 1000 }),
  })
}

export function clearCookie(
  ctx: Pick<Context, 'cookies'>,
  names: CookieNames,
  name: 'session' | 'csrf' | 'device',
): void {
  ctx.cookies.set(names[name], null, cookieOptions(names))
}

export function readCookie(ctx: Pick<Context, 'cookies'>, name: string): string | undefined {
  return ctx.cookies.get(name, { signed: false })
}
