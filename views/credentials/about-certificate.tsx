import { DetailsList } from '../layout/details-list.tsx'
import { Name } from '../layout/name.tsx'
import { Time } from '../layout/time.tsx'
import { usePage } from '../page-context.ts'
import { Expiry } from './minted-state.tsx'

export interface ShownCertificate {
  subject: string
  /** such as `DNS name`, and the name */
  names: { type: 'dns' | 'uri' | 'email' | 'ip'; value: string }[]
  notBefore: Date
  notAfter: Date
  thumbprint: string
  /** it may issue the certificate, and this name is in that */
  required?: { type: 'dns' | 'uri' | 'email' | 'ip'; value: string } | undefined
}

/** What a certificate says of itself; or its authority. */
export function AboutCertificate({ certificate }: { certificate: ShownCertificate }) {
  const words = usePage().messages.certificates
  const { required, subject, names, notBefore, notAfter, thumbprint } = certificate
  return (
    <section class="card" aria-labelledby="about-certificate">
      <h2 id="about-certificate">{required ? words.aboutAuthority : words.about}</h2>
      <DetailsList
        details={[
          required && { term: words.required, value: <Names names={[required]} />, whole: true },
          { term: words.subject, value: <Name>{subject}</Name>, whole: true },
          required ? undefined : { term: words.names, value: <Names names={names} />, whole: true },
          { term: words.validFrom, value: <Time value={notBefore} /> },
          { term: words.validUntil, value: <Expiry expiresAt={notAfter} /> },
          { term: words.thumbprint, value: <code>{thumbprint}</code>, whole: true },
        ]}
      />
    </section>
  )
}

function Names({ names }: Pick<ShownCertificate, 'names'>) {
  const words = usePage().messages.certificates
  if (names.length === 0) return <>{words.noNames}</>
  return (
    <ul class="codes">
      {names.map(({ type, value }, index) => (
        <li key={index}>
          {words.nameTypes[type]} <code>{value}</code>
        </li>
      ))}
    </ul>
  )
}
