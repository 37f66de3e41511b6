/** A letter to the owner of a credential that others know. Plain text. */

export interface ToldLeak {
  kind: 'api-key' | 'personal-access-token' | 'access-token' | 'refresh-token' | 'client-secret'
  /** its own, or its client's */
  name: string
  policy: 'report' | 'quarantine' | 'revoke'
  how: 'reported' | 'plain_http'
  /** its page */
  url: string
  issuer: string
}

/** In a sentence. Tokens of an application are called what people know of them: its access. */
const subjects = ({ kind, name }: ToldLeak) =>
  ({
    'api-key': `the API key “${name}”`,
    'personal-access-token': `your personal access token “${name}”`,
    'access-token': `an access token of the application “${name}”`,
    'refresh-token': `a refresh token of the application “${name}”`,
    'client-secret': `a secret of the client “${name}”`,
  })[kind]

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

const done = ({ kind, policy }: ToldLeak) => {
  if (policy === 'quarantine') return 'It is in quarantine: it is refused until somebody has looked at it.'
  if (policy === 'report')
    return 'It still works: this server reports and does nothing else. Replace it now, wherever it is used.'
  return kind === 'refresh-token'
    ? 'It has been revoked, and with it everything that the application could still do for the account. The application can be allowed again.'
    : 'It has been revoked: nothing accepts it any more. Whatever used it needs a new one.'
}

export const leakMail = {
  subject: (leak: ToldLeak): string =>
    leak.how === 'reported'
      ? `Found by others: ${subjects(leak)}`
      : `Sent without encryption: ${subjects(leak)}`,
  text: (leak: ToldLeak): string =>
    `${[
      leak.how === 'reported'
        ? `${capital(subjects(leak))} was found where it does not belong, and somebody reported it to us.`
        : `${capital(subjects(leak))} was sent over a connection without encryption, where others can read it.`,
      done(leak),
      `See what it was and is used for:\n${leak.url}`,
      leak.how === 'reported'
        ? 'Remove it from where it was found as well. Nobody who answers to this letter needs the secret.'
        : 'Have the program that uses it call the https address.',
      leak.issuer,
    ].join('\n\n')}\n`,
}
