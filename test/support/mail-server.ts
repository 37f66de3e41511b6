// A mail server on loopback that keeps what it takes.
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Names in lower case, unfolded, otherwise as they came. */
  readonly headers: Readonly<Record<string, string>>
  /** Decoded. */
  readonly text: string
}

export interface MailServer {
  readonly url: string
  readonly received: ReceivedMail[]
  /** The Message-ID of each that came, those that were not taken too. */
  readonly tried: string[]
  readonly passwords: string[]
  /** What the next ones are answered instead of being taken. */
  readonly answers: number[]
  close(): Promise<void>
}

/** Without a name and a password it takes mail from anybody. It has no TLS. */
export async function startMailServer(login?: { user: string; password: string }): Promise<MailServer> {
  const received: ReceivedMail[] = []
  const tried: string[] = []
  const answers: number[] = []
  const passwords: string[] = []
  const server = new SMTPServer({
    allowInsecureAuth: true,
    authOptional: login === undefined,
    disabledCommands: login ? ['STARTTLS'] : ['STARTTLS', 'AUTH'],
    onAuth({ username, password }, _session, done) {
      passwords.push(password ?? '')
      const isRight = username === login?.user && password === login?.password
      if (isRight) done(null, { user: username })
      else done(new Error('wrong'))
    },
    onData(stream, session, done) {
      text(stream).then(raw => {
        const mail = parse(raw)
        tried.push(mail.headers['message-id'] ?? '')
        const code = answers.shift()
        if (code !== undefined) return done(Object.assign(new Error('Not now'), { responseCode: code }))
        const { mailFrom, rcptTo } = session.envelope
        received.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          ...mail,
        })
        return done()
      }, done)
    },
  })
  await new Promise<void>(resolve => server.listen(0, '0.0.0.0', () => resolve()))
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    tried,
    passwords,
    answers,
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** A message with one part of text (RFC 5322, RFC 2045). */
export function parse(raw: string): Pick<ReceivedMail, 'headers' | 'text'> {
  const lines = raw.replaceAll('\r\n', '\n')
  const end = lines.indexOf('\n\n')
  const unfolded = lines.slice(0, end).replaceAll(/\n[ \t]+/g, ' ')
  const headers = Object.fromEntries(
    unfolded.split('\n').map(line => {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
      return [name.toLowerCase(), value]
    }),
  )
  const body = lines.slice(end + 2)
  const encoding = headers['content-transfer-encoding']
  if (encoding === 'base64') return { headers, text: Buffer.from(body, 'base64').toString() }
  return { headers, text: encoding === 'quoted-printable' ? decodeQuoted(body) : body }
}

function decodeQuoted(text: string): string {
  const bytes = text
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
