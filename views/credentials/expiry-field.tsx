import type { Refused } from '../layout/checked-form.tsx'
import { Field } from '../layout/field.tsx'
import { type Option, Select } from '../layout/select.tsx'
import type { Messages } from '../messages/catalogue.ts'
import { usePage } from '../page-context.ts'
import type { MintedValues } from './minted.tsx'

/** The operator's; both in seconds. */
export interface ExpiryRules {
  /** undefined: no expiry unless asked for */
  usual?: number | undefined
  /** undefined: it may live for ever */
  longest?: number | undefined
}

export interface ExpiryFieldProps {
  values: Pick<MintedValues, 'expires_in' | 'expires_at'>
  rules: ExpiryRules
  field: Refused
}

const DAY = 86_400
const USUAL = [7, 30, 90, 180, 365].map(days => days * DAY)

/** A few spans to choose from, and any day. Without style support for it, the day's field is always there. */
export function ExpiryField({ values, rules, field }: ExpiryFieldProps) {
  const { messages, now } = usePage()
  const { form } = messages.tokens
  const latest = rules.longest === undefined ? undefined : after(now, rules.longest)
  return (
    <div class="expiry">
      <Select
        name="expires_in"
        value={values.expires_in}
        options={expiryOptions(rules, now, messages)}
        {...field('expires_in')}
      />
      <Field
        name="expires_at"
        type="date"
        value={values.expires_at}
        hint={latest && form.dateHint(latest)}
        min={dateOf(now)}
        max={latest && dateOf(latest)}
        class="expiry-date"
        {...field('expires_at')}
      />
    </div>
  )
}

export function expirySpans({ usual, longest }: ExpiryRules): number[] {
  const spans = [
    ...USUAL,
    ...(usual === undefined ? [] : [usual]),
    ...(longest === undefined ? [] : [longest]),
  ]
  return [...new Set(spans)]
    .filter(seconds => longest === undefined || seconds <= longest)
    .sort((one, other) => one - other)
}

function expiryOptions(rules: ExpiryRules, now: Date, messages: Messages): Option[] {
  const { form } = messages.tokens
  const marked = (label: string, isUsual: boolean) => (isUsual ? `${label} (${form.expiresDefault})` : label)
  const spans = expirySpans(rules).map(seconds => ({
    value: String(seconds),
    label: marked(form.expiresIn(seconds, after(now, seconds)), seconds === rules.usual),
  }))
  const never = { value: 'never', label: marked(form.noExpiry, rules.usual === undefined) }
  return [...spans, { value: 'date', label: form.onDate }, ...(rules.longest === undefined ? [never] : [])]
}

const after = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000)
const dateOf = (moment: Date) => moment.toISOString().slice(0, 10)
