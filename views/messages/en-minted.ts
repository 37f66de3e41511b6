/** Personal access tokens and API keys: the same pages, so the same words but for the noun and what it is for. */
import type { ComponentChildren } from 'preact'
import { counted, number, span } from './en-counted.ts'

type Words = ComponentChildren

const day = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' })

function words(noun: 'token' | 'key' | 'certificate' | 'signing secret') {
  return {
    create: `Create ${noun}`,
    newTitle: `New ${noun}`,
    columns: {
      name: 'Name',
      scopes: 'Scopes',
      status: 'Status',
      lastUsed: 'Last used',
      expires: 'Expires',
    },
    status: {
      active: 'Active',
      pending: 'Rotated, not used yet',
      notYet: 'Not yet valid',
      expired: 'Expired',
      quarantined: 'Quarantined',
      revoked: 'Revoked',
    },
    neverUsed: 'Never used',
    from: (address: Words): Words[] => ['from ', address],
    neverExpires: 'Never',
    expired: (when: Words): Words[] => ['Expired ', when],
    endedAt: (when: Words): Words[] => ['Ended ', when],
    expiresSoon: (when: Words): Words[] => ['Soon: ', when],

    details: 'Details',
    id: 'ID',
    description: 'Description',
    environment: 'Environment',
    created: 'Created',
    validFrom: 'Valid from',
    ended: 'Ended',
    addresses: 'Allowed addresses',
    anyAddress: 'Any',
    rateLimit: 'Rate limit',
    noRateLimit: 'None',
    rate: (requests: number, seconds: number): string =>
      `${counted(requests, 'request', 'requests')} in ${span(seconds)}`,
    binding: 'Bound to',
    certificate: (thumbprint: Words): Words[] => ['The client certificate ', thumbprint],
    dpop: (thumbprint: Words): Words[] => ['The DPoP key ', thumbprint],
    scopes: 'Scopes',
    usage: 'Use',
    pendingNote: (when: Words): Words[] => [
      `This ${noun} was rotated `,
      when,
      '. The new secret has not been used yet, so the old one still works.',
    ],
    retiringNote: (last4: Words, when: Words): Words[] => [
      'The old secret (…',
      last4,
      ') still works until ',
      when,
      '.',
    ],
    leakNote: {
      reported: (when: Words): Words[] => [
        `This ${noun} was found where it does not belong, and reported `,
        when,
        '.',
      ],
      plain_http: (when: Words): Words[] => [
        `This ${noun} was sent over a connection without encryption `,
        when,
        '.',
      ],
    },
    leakWhere: (where: Words): Words[] => ['They say where: ', where],
    leakAdvice: `Others can use it. Rotate it now, and let the old secret end at once.`,
    quarantinedNote: `This ${noun} is in quarantine: it is refused until somebody has looked at it.`,

    chart: {
      success: 'Accepted',
      refused: 'Refused',
      title: 'The last 30 days',
      summary: (success: number, refused: number): string =>
        `${number(success)} accepted, ${number(refused)} refused`,
      busiest: (date: string, total: number): string => `Most on ${date}: ${number(total)}.`,
      bar: (date: string, success: number, refused: number): string =>
        `${date}: ${number(success)} accepted, ${number(refused)} refused`,
      none: `It was not used in the last 30 days.`,
      table: 'Show as a table',
      day: 'Day',
    },

    rotate: 'Rotate',
    rotateTitle: (name: string): string => `Rotate ${name}?`,
    rotateHeading: (name: Words): Words[] => ['Rotate ', name, '?'],
    rotateLead: `The ${noun} keeps its ID, name, scopes and limits, and gets a new secret.`,
    rotateWhen: 'When does the old secret stop working?',
    graces: (seconds: number): string =>
      seconds === 0 ? 'As soon as the new one is used' : `${span(seconds)} after the new one is first used`,
    graceHint: (seconds: number): string | undefined =>
      ({
        0: 'For one program on one machine.',
        86400: 'Time to change it everywhere. Until the new one is used, the old one works on.',
      })[seconds],
    immediately: 'Now',
    immediatelyHint: 'When the old one may be in the wrong hands. Whatever still uses it stops working.',

    release: 'Release',
    releaseTitle: (name: string): string => `Release ${name}?`,
    releaseHeading: (name: Words): Words[] => ['Release ', name, '?'],
    releaseNote: `The ${noun} is accepted again, with the secret it has. If others know that secret, rotate it first and let the old secret end at once.`,
    keepQuarantined: 'Keep in quarantine',

    revoke: 'Revoke',
    revokeTitle: (name: string): string => `Revoke ${name}?`,
    revokeHeading: (name: Words): Words[] => ['Revoke ', name, '?'],
    revokeNote: (name: Words): Words[] => [
      'Whatever uses ',
      name,
      ` stops working at once, everywhere. This cannot be undone: a new ${noun} has another secret.`,
    ],
    lastUsedNote: (when: Words): Words[] => ['It was last used ', when, '.'],
    neverUsedNote: 'It has never been used.',
    keep: `Keep ${noun}`,

    form: {
      name: 'Name',
      nameHint: `What the ${noun} is for, so that you know it later.`,
      description: 'Description',
      environment: 'Environment',
      environmentHint: `It is part of the ${noun}, and a resource can ask for it.`,
      expires: 'Expires',
      expiresIn: (seconds: number, at: Date): string => `In ${span(seconds)}, on ${day.format(at)}`,
      expiresDefault: 'recommended',
      noExpiry: 'Never',
      onDate: 'On another day',
      date: 'Last day (UTC)',
      dateHint: (latest: Date): string => `At the latest ${day.format(latest)}.`,
      scopes: `What may it do?`,
      limits: 'More limits',
      addresses: 'Allowed addresses',
      addressesHint:
        'One address or range a line, such as 203.0.113.7 or 2001:db8::/32. Empty: it works from anywhere.',
      requests: 'Requests at most',
      per: 'In',
      rateLimit: 'Rate limit',
      rateHint: 'Empty: it may be used as often as anybody likes.',
      perSecond: 'A second',
      perMinute: 'A minute',
      perHour: 'An hour',
      perDay: 'A day',
      binding: 'Bound to a key',
      bindingHint: `Then the ${noun} is worth nothing without it. With both, both have to be shown.`,
      certificate: 'Client certificate',
      certificateHint:
        'The certificate that the program shows on its TLS connection, in PEM, or its SHA-256 fingerprint.',
      dpop: 'DPoP key',
      dpopHint: 'The thumbprint of the key that signs the proofs (RFC 7638), 43 characters.',
    },

    createdTitle: `Your new ${noun}`,
    rotatedTitle: `The new secret`,
    secretNote: `Whoever has this ${noun} can do what it allows. Keep it out of code, chats and logs.`,
    tryIt: `See what the ${noun} may do`,
    done: 'Done',
  }
}

export const tokens = {
  ...words('token'),
  title: 'Personal access tokens',
  lead: 'For scripts and programs that act as you, within what you choose.',
  empty: 'No tokens yet',
  emptyNote:
    'A personal access token lets a script or a program use an API as you. You choose what it may do, and for how long.',
  scopesHint: 'Only what you may do yourself is listed. It never has more than you have at the moment.',
  noScopes: 'There is nothing that you could give to a token: you have no scope at any resource.',
}

export const keys = {
  ...words('key'),
  title: 'API keys',
  lead: 'For this client’s own requests, without asking for a token first.',
  empty: 'No API keys yet',
  emptyNote:
    'An API key lets this client use an API as itself. It may have several: one for each place where it runs, or one to replace another.',
  scopesHint: 'Only what this client may do is listed. A key never has more than its client at the moment.',
  noScopes: 'This client may do nothing at any resource. Give it scopes first, in its settings.',
}

export const certificates = {
  ...words('certificate'),
  title: 'Client certificates',
  create: 'Register a certificate',
  newTitle: 'Register a certificate',
  lead: 'For services that prove who they are on the TLS connection itself, with nothing else to send.',
  empty: 'No certificates yet',
  emptyNote:
    'A certificate that is registered here is a credential: whoever holds its private key is this client, as far as you choose.',
  scopesHint:
    'Only what this client may do is listed. A certificate never has more than its client at the moment.',
  noScopes: 'This client may do nothing at any resource. Give it scopes first, in its settings.',
  revokeNote: (name: Words): Words[] => [
    'Whatever shows ',
    name,
    ' is refused at once, everywhere. The same certificate can be registered again.',
  ],
  which: 'Which certificate?',
  pem: 'Certificate',
  pemHint: 'In PEM, and never with its private key. This certificate and no other: a renewed one is another.',
  byName: 'Or any that an authority issues for a name',
  byNameHint:
    'A renewed certificate then works without coming back here. Whoever gets a certificate for this name from this authority is let in.',
  ca: 'Authority',
  caHint: 'Its certificate in PEM. Of several, any of them.',
  nameType: 'Kind of name',
  nameTypes: { dns: 'DNS name', uri: 'URI', email: 'E-mail address', ip: 'IP address' },
  san: 'Name in the certificate',
  sanHint: 'As it stands among the subject alternative names, such as billing.example.com.',
  about: 'The certificate',
  aboutAuthority: 'The authority',
  subject: 'Subject',
  names: 'Alternative names',
  noNames: 'None',
  validUntil: 'Valid until',
  thumbprint: 'SHA-256 thumbprint',
  required: 'Name in the certificate',
  certificateEnvironmentHint: 'A resource can ask for it.',
}

export const signingSecrets = {
  ...words('signing secret'),
  title: 'Signing secrets',
  lead: 'For requests that this client signs, each for itself. What it signs with is never sent.',
  empty: 'No signing secrets yet',
  emptyNote:
    'With a signing secret this client signs its requests. Whoever reads one of them on its way cannot make another, nor send it a second time.',
  scopesHint:
    'Only what this client may do is listed. A signing secret never has more than its client at the moment.',
  noScopes: 'This client may do nothing at any resource. Give it scopes first, in its settings.',
  rotateLead: 'The signing secret keeps its ID, name, scopes and limits. What it signs with is new.',
  rotateWhen: 'When does the old one stop working?',
  which: 'What does it sign with?',
  algorithms: {
    'hmac-sha256': {
      name: 'A secret (HMAC-SHA-256)',
      hint: 'It is made here and shown once.',
    },
    ed25519: {
      name: 'A key of its own (Ed25519)',
      hint: 'The client keeps its private half. Only the public one comes here.',
    },
  },
  publicKey: 'Public key',
  publicKeyHint: 'For a key of its own: in PEM, or as a JWK. Never the private one.',
  newPublicKey: 'New public key',
  newPublicKeyHint: 'In PEM, or as a JWK. Never the private one.',
  pendingPublicKey: 'New public key, not used yet',
  signedEnvironmentHint: 'A resource can ask for it.',
  about: 'Signatures',
  algorithm: 'Algorithm',
}
