/** A refusal that a proxy shows to a person, at the address of an application. */
export const elsewhere = {
  signInTitle: 'Signing in does not help here',
  signIn: (host: string, issuer: string): string =>
    `${host} takes tokens and keys that a program sends. Being signed in at ${issuer} counts there only: a browser ` +
    'does not carry it to another address.',
  askOwner: 'Whoever runs this application can tell you how to reach it.',
  title: 'This is not allowed',
  reference: 'Reference',
  code: 'Error code',
}
