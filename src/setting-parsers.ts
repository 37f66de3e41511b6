/**
 * How the text of a setting becomes its value (settings.ts has the table). What is wrong is said in words that finish the
 * sentence "NAME …" and never repeat a secret.
 */
import { isIP } from 'node:net'
import { parseAddressRange } from './http/address-range.ts'

/** A parser returns the value, or throws an `Error` whose message finishes the sentence "NAME …". */
export type Parser<T> = (text: string) => T

const fail = (message: string): never => {
  throw new Error(message)
}

export const text: Parser<string> = value => value

const list: Parser<string[]> = value =>
  value
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')

export const integer =
  (least: number, most: number): Parser<number> =>
  value =>
    /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most
      ? Number(value)
      : fail(`must be a whole number from ${least} to ${most}`)

export const boolean: Parser<boolean> = value =>
  value === 'true' ? true : value === 'false' ? false : fail('must be true or false')

export const oneOf =
  <T extends string>(...values: readonly T[]): Parser<T> =>
  value =>
    values.find(one => one === value) ?? fail(`must be one of ${values.join(', ')}`)

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `30s`, `15m`, `24h`, `90d` → seconds. @throws Error when the text is none of these. */
export const parseDuration: Parser<number> = value => {
  const match = /^(\d{1,6})([smhd])$/.exec(value)
  return match
    ? Number(match[1]) * (UNIT_SECONDS[match[2] ?? ''] ?? 0)
    : fail('must be a duration such as 30s, 15m, 24h or 90d')
}

export const durationOrNone: Parser<number | undefined> = value => {
  if (value === 'none') return undefined
  const seconds = /^\d{1,6}[smhd]$/.test(value) ? parseDuration(value) : 0
  return seconds > 0 ? seconds : fail('must be a duration such as 24h or 90d, or none')
}

/** What happens to a credential that others know. */
export type LeakPolicy = 'report' | 'quarantine' | 'revoke'

const POLICIES = ['report', 'quarantine', 'revoke'] as const
/** Whether a kind knows quarantine: one that does not is revoked instead. */
const LEAKING_KINDS = {
  'api-key': true,
  'personal-access-token': true,
  'access-token': false,
  'refresh-token': false,
  'client-secret': false,
} as const

export type LeakingKind = keyof typeof LEAKING_KINDS
export type PolicyByKind = Readonly<Record<LeakingKind, LeakPolicy>>

/** The same for every kind, as far as the kind knows it. */
export function policyOfAll(policy: LeakPolicy): PolicyByKind {
  const of = (kind: LeakingKind) => (policy === 'quarantine' && !LEAKING_KINDS[kind] ? 'revoke' : policy)
  const kinds = Object.keys(LEAKING_KINDS) as LeakingKind[]
  return Object.fromEntries(kinds.map(kind => [kind, of(kind)])) as Record<LeakingKind, LeakPolicy>
}

/** `report`, or `revoke,api-key=quarantine`: one for all kinds, and others for some. */
export const policyByKind: Parser<PolicyByKind> = value => {
  const policyOf = (name: string) =>
    POLICIES.find(one => one === name) ?? fail(`has "${name}", which is none of ${POLICIES.join(', ')}`)
  const items = list(value)
  const [general = 'revoke', second] = items.filter(item => !item.includes('='))
  if (second !== undefined) fail(`has both "${general}" and "${second}" for all kinds`)
  const policies: Record<LeakingKind, LeakPolicy> = { ...policyOfAll(policyOf(general)) }
  for (const [, kind = '', name = ''] of value.matchAll(/(?:^|,)\s*([^,=]*)=([^,]*?)\s*(?=,|$)/g)) {
    if (!isLeakingKind(kind))
      return fail(`has "${kind}", which is none of ${Object.keys(LEAKING_KINDS).join(', ')}`)
    policies[kind] = policyOf(name)
    if (policies[kind] === 'quarantine' && !LEAKING_KINDS[kind])
      fail(`has "${kind}=quarantine": a credential of this kind can only be reported or revoked`)
  }
  return policies
}

const isLeakingKind = (name: string): name is LeakingKind => Object.hasOwn(LEAKING_KINDS, name)

export const smtpUrl: Parser<string> = value => {
  const url = URL.parse(value)
  return url && /^smtps?:$/.test(url.protocol) && url.hostname !== ''
    ? value
    : fail('must be an smtp:// or smtps:// URL')
}

/** `Latchkey <no-reply@example.com>` or only the address. */
export const mailbox: Parser<string> = value =>
  /^(?:[^<>\p{Cc}]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/u.test(value)
    ? value
    : fail('must be an e-mail address, or a name and an address such as Latchkey <no-reply@example.com>')

/** `app.example.com`, `localhost:8443`, `*.example.com`. */
export const documentHosts: Parser<string[]> = value => {
  const items = list(value)
  for (const item of items) {
    const [, host = ''] = /^(?:\*\.(?=[^:]+\.[^:]+$))?([^*]+)$/.exec(item) ?? []
    if (host === '' || URL.parse(`https://${host}`)?.host !== host)
      fail(
        `has "${item}", which is not a host such as app.example.com, app.example.com:8443 or *.example.com`,
      )
  }
  return items
}

/** Headers that mean something else already. */
const TAKEN_HEADERS =
  /^(authorization|cookie|host|origin|referer|dpop|content-.*|signature|signature-input|x-signature|x-timestamp|x-nonce|x-csrf-token|x-forwarded-.*|forwarded|sec-.*)$/

export const headerName: Parser<string> = value =>
  /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(value) && !TAKEN_HEADERS.test(value.toLowerCase())
    ? value.toLowerCase()
    : fail('must be the name of a header that has no other meaning, such as X-Service-Key')

export const cidrs: Parser<string[]> = value => {
  const items = list(value)
  for (const item of items) {
    const [address = '', bits, ...rest] = item.split('/')
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    if (
      family === 0 ||
      rest.length > 0 ||
      (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))
    )
      fail(`has "${item}", which is not an address or a CIDR range`)
  }
  return items
}

/** As `cidrs`, and no bits behind the length: `10.0.0.1/8` is not taken for `10.0.0.0/8`. */
export const addressRanges: Parser<string[]> = value =>
  list(value).map(
    item => parseAddressRange(item)?.text ?? fail(`has "${item}", which is not an address or a CIDR range`),
  )

export const issuer: Parser<string> = value => {
  const url = URL.parse(value)
  if (!url || !['http:', 'https:'].includes(url.protocol)) fail('must be an http or https URL')
  else if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    fail('must have no path, query, fragment or user')
  return (url as URL).origin
}

export const secrets: Parser<Buffer[]> = value =>
  list(value).map((item, index) => {
    const bytes = Buffer.from(item, 'base64url')
    return /^[\w-]+={0,2}$/.test(item) && bytes.length === 32
      ? bytes
      : fail(`has as item ${index + 1} something that is not 32 bytes in base64url`)
  })

export const names =
  (pattern: RegExp, what: string): Parser<string[]> =>
  value => {
    const items = list(value)
    if (items.length === 0) fail('must not be empty')
    for (const item of items) if (!pattern.test(item)) fail(`has "${item}", which is not ${what}`)
    return items
  }

export const postgresUrl: Parser<string> = value =>
  /^postgres(ql)?:\/\//.test(value) ? value : fail('must start with postgres://')

export const colour: Parser<string> = value =>
  /^#[0-9a-f]{6}$/i.test(value) ? value : fail('must be a colour such as #3b5bdb')

/** Not `//elsewhere`, in any of its spellings. */
const isPathHere = (value: string) =>
  value.startsWith('/') && URL.parse(value, 'http://here.invalid')?.origin === 'http://here.invalid'

export const logo: Parser<string> = value =>
  value.startsWith('data:image/') || isPathHere(value)
    ? value
    : fail('must be a path on this server or a data:image URL, because pages load nothing from other origins')
