import type { Refused } from '../layout/checked-form.tsx'
import { Field } from '../layout/field.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { usePage } from '../page-context.ts'
import type { MintedValues } from './minted.tsx'

const LIMITS = [
  'allowed_addresses',
  'rate_limit_requests',
  'rate_limit_seconds',
  'cnf_certificate',
  'cnf_jkt',
] as const

export interface LimitFieldsProps {
  values: MintedValues
  field: Refused
  /** it is itself the key that a request has to show */
  isKey?: boolean | undefined
}

/** What most tokens do without: folded away until something is in it. */
export function LimitFields({ values, field, isKey }: LimitFieldsProps) {
  const { tokens, layout } = usePage().messages
  const { form } = tokens
  const isOpen =
    values.allowed_addresses !== '' ||
    values.rate_limit_requests !== '' ||
    values.cnf_certificate !== '' ||
    values.cnf_jkt !== '' ||
    LIMITS.some(name => field(name).error !== undefined)
  const periods = [
    { value: '1', label: form.perSecond },
    { value: '60', label: form.perMinute },
    { value: '3600', label: form.perHour },
    { value: '86400', label: form.perDay },
  ]
  return (
    <details class="disclosure" open={isOpen}>
      <summary>{form.limits}</summary>
      <div class="form">
        <TextArea
          name="allowed_addresses"
          value={values.allowed_addresses}
          hint={form.addressesHint}
          optional
          {...field('allowed_addresses')}
        />
        <fieldset class="choices">
          <legend>
            {form.rateLimit} <span class="optional">{layout.optional}</span>
          </legend>
          <p class="hint">{form.rateHint}</p>
          <div class="side-by-side">
            <Field
              name="rate_limit_requests"
              type="number"
              value={values.rate_limit_requests}
              {...field('rate_limit_requests')}
            />
            <Select
              name="rate_limit_seconds"
              value={values.rate_limit_seconds}
              options={periods}
              {...field('rate_limit_seconds')}
            />
          </div>
        </fieldset>
        {isKey ? null : <BindingFields values={values} field={field} />}
      </div>
    </details>
  )
}

function BindingFields({ values, field }: LimitFieldsProps) {
  const { tokens, layout } = usePage().messages
  const { form } = tokens
  return (
    <fieldset class="choices">
      <legend>
        {form.binding} <span class="optional">{layout.optional}</span>
      </legend>
      <p class="hint">{form.bindingHint}</p>
      <TextArea
        name="cnf_certificate"
        value={values.cnf_certificate}
        hint={form.certificateHint}
        required={false}
        {...field('cnf_certificate')}
      />
      <Field
        name="cnf_jkt"
        value={values.cnf_jkt}
        hint={form.dpopHint}
        required={false}
        {...field('cnf_jkt')}
      />
    </fieldset>
  )
}
