/** The form that registers a client certificate: that of a key, with `certificate`, or `ca` with `san_type` and `san`. */
import type { CertificateValues } from '../../views/credentials/new-certificate-page.tsx'
import type { FormErrors } from '../http/form-errors.ts'
import type { Form } from '../http/forms.ts'
import { Problem } from '../http/problem.ts'
import type { CertificateFields } from './client-certificate-input.ts'
import { mintedErrorsOf, typedMinted } from './minted-form.ts'

export function typedCertificate(form: Form): CertificateValues {
  const text = (name: string) => form.get(name) ?? ''
  return {
    ...typedMinted(form),
    // It is itself the key: there is nothing to bind it to.
    cnf_certificate: '',
    cnf_jkt: '',
    certificate: text('certificate'),
    ca: text('ca'),
    san_type: text('san_type'),
    san: text('san'),
  }
}

export function certificateFieldsOf({
  certificate,
  ca,
  san_type,
  san,
}: CertificateValues): CertificateFields {
  const name = san.trim()
  return {
    ...(certificate.trim() !== '' && { certificate }),
    ...(ca.trim() !== '' && { ca }),
    ...(name !== '' && { san: { [san_type]: name } }),
  }
}

/** What the page shows when registering was refused. @throws what is not about the form */
export function certificateErrorsOf(
  error: unknown,
  values: CertificateValues,
): { errors?: FormErrors; formError?: string } {
  if (error instanceof Problem && error.code === 'conflict') return { formError: error.message }
  return { errors: mintedErrorsOf(error, values) }
}
