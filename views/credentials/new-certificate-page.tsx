import { Field } from '../layout/field.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { usePage } from '../page-context.ts'
import type { MintedValues } from './minted.tsx'
import { NewCredentialForm, type NewCredentialProps } from './new-credential-form.tsx'

/** As typed, under the names of the fields. */
export interface CertificateValues extends MintedValues {
  /** PEM */
  certificate: string
  /** PEM */
  ca: string
  san_type: string
  san: string
}

/** A certificate is registered as it is, or as any that an authority issues for a name. */
export function NewCertificatePage(props: NewCredentialProps<CertificateValues>) {
  const { values, errors } = props
  const { certificates: words } = usePage().messages
  const isByName =
    values.ca !== '' || values.san !== '' || errors.ca !== undefined || errors.san !== undefined
  return (
    <NewCredentialForm
      {...props}
      environmentHint={words.certificateEnvironmentHint}
      isKey
      ownLabels={{ certificate: words.pem, ca: words.ca, san_type: words.nameType, san: words.san }}
    >
      {field => (
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
              <Field name="san" value={values.san} hint={words.sanHint} required={false} {...field('san')} />
            </div>
          </details>
        </fieldset>
      )}
    </NewCredentialForm>
  )
}
