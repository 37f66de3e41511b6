/**
 * The form that makes a personal access token or an API key. Its fields have the names of the JSON; where a form needs
 * more than one field or other values: `scope` is a checkbox with the value `<resource> <scope>`, `expires_in` is a number
 * of seconds, `never`, or `date` with the last day in `expires_at`, `allowed_addresses` has one entry a line,
 * `rate_limit_requests` with `rate_limit_seconds` is the rate limit, and `cnf_certificate` (PEM or a fingerprint) with
 * `cnf_jkt` is the binding.
 */
import type { ExpiryRules } from '../../views/credentials/expiry-field.tsx'
import type { MintedValues } from '../../views/credentials/minted.tsx'
import { type FormErrors, formErrorsOf, linesOf } from '../http/form-errors.ts'
import type { Form } from '../http/forms.ts'
import { type FieldError, validationFailed } from '../http/problem.ts'
import type { Confirmation } from './kind.ts'
import type { NewMintedToken } from './minted-input.ts'
import { thumbprintIn } from './pasted-certificate.ts'

export function typedMinted(form: Form): MintedValues {
  const text = (name: string) => form.get(name) ?? ''
  return {
    name: text('name'),
    description: text('description'),
    env: text('env'),
    scope: form.all('scope'),
    expires_in: text('expires_in'),
    expires_at: text('expires_at'),
    allowed_addresses: text('allowed_addresses'),
    rate_limit_requests: text('rate_limit_requests'),
    rate_limit_seconds: text('rate_limit_seconds'),
    cnf_certificate: text('cnf_certificate'),
    cnf_jkt: text('cnf_jkt'),
  }
}

/** Of a form that nobody has filled in yet. */
export function untypedMinted(environments: readonly string[], { usual }: ExpiryRules): MintedValues {
  return {
    name: '',
    description: '',
    env: environments[0] ?? '',
    scope: [],
    expires_in: usual === undefined ? 'never' : String(usual),
    expires_at: '',
    allowed_addresses: '',
    rate_limit_requests: '',
    rate_limit_seconds: '60',
    cnf_certificate: '',
    cnf_jkt: '',
  }
}

export type MintedFields = Omit<NewMintedToken, 'kind' | 'owner'>

/** @throws Problem 400 `validation_failed` for what is no number or no day; the rest is judged where tokens are made */
export function mintedFieldsOf(values: MintedValues, rules: ExpiryRules): MintedFields {
  const mistakes: FieldError[] = []
  const expiresAt = expiryOf(values, rules, mistakes)
  const rateLimit = rateLimitOf(values, mistakes)
  const cnf = confirmationOf(values, mistakes)
  if (mistakes.length > 0) throw validationFailed(mistakes)
  const addresses = linesOf(values.allowed_addresses)
  return {
    name: values.name,
    ...(values.description.trim() !== '' && { description: values.description }),
    ...(values.env !== '' && { env: values.env }),
    scopes: scopesOf(values.scope),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(addresses.length > 0 && { allowedAddresses: addresses }),
    ...(rateLimit && { rateLimit }),
    ...(cnf && { cnf }),
  }
}

/** What the page shows when making it was refused. @throws what is not about fields */
export function mintedErrorsOf(error: unknown, values: MintedValues): FormErrors {
  const errors = formErrorsOf(error, {
    fields: {
      scopes: 'scope',
      rate_limit: 'rate_limit_requests',
      'rate_limit.requests': 'rate_limit_requests',
      'rate_limit.seconds': 'rate_limit_seconds',
      expires_at: values.expires_in === 'date' ? 'expires_at' : 'expires_in',
      cnf: 'cnf_certificate',
      'cnf.jkt': 'cnf_jkt',
    },
    items: { allowed_addresses: linesOf(values.allowed_addresses) },
  })
  return values.scope.length === 0 && errors.scope ? { ...errors, scope: 'Choose at least one.' } : errors
}

/** A resource's identifier has no space. */
export function scopesOf(ticked: readonly string[]): Record<string, string[]> {
  const byResource = new Map<string, string[]>()
  for (const value of ticked) {
    const [resource = '', ...scope] = value.split(' ')
    byResource.set(resource, [...(byResource.get(resource) ?? []), scope.join(' ')])
  }
  return Object.fromEntries(byResource)
}

/** undefined: the operator's default. null: never. */
function expiryOf(
  values: MintedValues,
  { usual, longest }: ExpiryRules,
  mistakes: FieldError[],
): Date | null | undefined {
  const { expires_in: choice, expires_at: day } = values
  if (choice === '' || choice === String(usual)) return undefined
  if (choice === 'never') return null
  if (choice === 'date') {
    const end = new Date(`${day}T23:59:59Z`)
    if (/^\d{4}-\d\d-\d\d$/.test(day) && end.toISOString().startsWith(day)) return end
    mistakes.push({ path: 'expires_at', message: day === '' ? 'is missing' : 'is not a day of the calendar' })
    return undefined
  }
  if (/^\d{1,9}$/.test(choice)) {
    // The database's clock judges, and may be behind this one.
    const seconds = choice === String(longest) ? Number(choice) - 60 : Number(choice)
    return new Date(Date.now() + seconds * 1000)
  }
  mistakes.push({ path: 'expires_in', message: 'must be one of the choices' })
  return undefined
}

function rateLimitOf(values: MintedValues, mistakes: FieldError[]) {
  const { rate_limit_requests: requests, rate_limit_seconds: seconds } = values
  if (requests.trim() === '') return undefined
  const wrong = Object.entries({ requests, seconds }).filter(([, text]) => !/^\d{1,9}$/.test(text.trim()))
  for (const [key] of wrong) mistakes.push({ path: `rate_limit.${key}`, message: 'must be a whole number' })
  return wrong.length > 0 ? undefined : { requests: Number(requests), seconds: Number(seconds) }
}

function confirmationOf(values: MintedValues, mistakes: FieldError[]): Confirmation | undefined {
  const [certificate, jkt] = [values.cnf_certificate.trim(), values.cnf_jkt.trim()]
  const read = certificate === '' ? undefined : thumbprintIn(certificate)
  if (read && 'mistake' in read) mistakes.push({ path: 'cnf', message: read.mistake })
  if (jkt !== '' && !/^[\w-]{43}$/.test(jkt))
    mistakes.push({ path: 'cnf.jkt', message: 'must be a SHA-256 thumbprint in base64url: 43 characters' })
  const thumbprint = read && 'thumbprint' in read ? read.thumbprint : undefined
  if (thumbprint === undefined && jkt === '') return undefined
  return { ...(jkt !== '' && { jkt }), ...(thumbprint !== undefined && { 'x5t#S256': thumbprint }) }
}
