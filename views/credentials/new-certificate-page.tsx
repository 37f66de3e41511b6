import { Button, ButtonLink } from '../layout/button.tsx'
import { CheckedForm } from '../layout/checked-form.tsx'
import { Field } from '../layout/field.tsx'
import type { FormErrors } from '../layout/form-errors.ts'
import type { ScopeGroup } from '../layout/scope-list.tsx'
import { ScopePicker } from '../layout/scope-picker.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { ExpiryField, type ExpiryRules } from './expiry-field.tsx'
import { LimitFields } from './limit-fields.tsx'
import { type MintedFrame, useTrail } from './minted.tsx'
import type { MintedValues } from './new-minted-page.tsx'

/** As typed, under the names of the fields. */
export interface CertificateValues extends MintedValues {
  /** PEM */
  certificate: string
  /** PEM */
  ca: string
  san_type: string
  san: string
}

export interface NewCertificatePageProps {
  frame: MintedFrame
  values: CertificateValues
  errors: FormErrors
  formError?: string | undefined
  environments: string[]
  expiry: ExpiryRules
  /** what may be given now; values are `<resource> <scope>` */
  groups: ScopeGroup[]
}

/** A certificate is registered as it is, or as any that an authority issues for a name. */
export function NewCertificatePage(props: NewCertificatePageProps) {
  const { frame, values, errors, formError, environments, expiry, groups } = props
  const { certificates: words, layout } = usePage().messages
  const isByName =
    values.ca !== '' || values.san !== '' || errors.ca !== undefined || errors.san !== undefined
  const labels = {
    name: words.form.name,
    description: words.form.description,
    certificate: words.pem,
    ca: words.ca,
    san_type: words.nameType,
    san: words.san,
    ...(environments.length > 1 && { env: words.form.environment }),
    scope: words.scopes,
    expires_in: words.form.expires,
    expires_at: words.form.date,
    allowed_addresses: words.form.addresses,
    rate_limit_requests: words.form.requests,
    rate_limit_seconds: words.form.per,
  }
  return (
    <WidePage
      title={words.newTitle}
      lead={words.lead}
      current={frame.current}
      trail={useTrail(frame)}
      hasErrors={Object.keys(errors).length > 0 || formError !== undefined}
    >
      <CheckedForm action={frame.base} labels={labels} errors={errors} formError={formError}>
        {field => (
          <>
            <Field name="name" value={values.name} hint={words.form.nameHint} {...field('name')} />
            <Field name="description" value={values.description} optional {...field('description')} />
            <fieldset class="choices">
              <legend>{words.which}</legend>
              <TextArea
                name="certificate"
                value={values.certificate}
                rows={6}
                hint={words.pemHint}
                required={false}
                {...field('certificate')}
              />
              <details class="disclosure" open={isByName}>
                <summary>{words.byName}</summary>
                <div class="form">
                  <p class="hint">{words.byNameHint}</p>
                  <TextArea
                    name="ca"
                    value={values.ca}
                    rows={6}
                    hint={words.caHint}
                    required={false}
                    {...field('ca')}
                  />
                  <Select
                    name="san_type"
                    value={values.san_type}
                    options={Object.entries(words.nameTypes).map(([value, label]) => ({ value, label }))}
                    {...field('san_type')}
                  />
                  <Field
                    name="san"
                    value={values.san}
                    hint={words.sanHint}
                    required={false}
                    {...field('san')}
                  />
                </div>
              </details>
            </fieldset>
            {environments.length > 1 ? (
              <Select
                name="env"
                value={values.env}
                options={environments.map(env => ({ value: env, label: env }))}
                hint={words.certificateEnvironmentHint}
                {...field('env')}
              />
            ) : null}
            <ExpiryField values={values} rules={expiry} field={field} />
            <ScopePicker
              groups={groups}
              ticked={values.scope}
              title={words.form.scopes}
              hint={words.scopesHint}
              none={words.noScopes}
              {...field('scope')}
            />
            <LimitFields values={values} field={field} isKey />
            <div class="buttons">
              <Button>{words.create}</Button>
              <ButtonLink look="quiet" href={frame.base}>
                {layout.cancel}
              </ButtonLink>
            </div>
          </>
        )}
      </CheckedForm>
    </WidePage>
  )
}
