/** One letter to the SMTP server, or where there is none into a file of DATA_DIR/outbox. */
import { mkdir, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import type { Config } from '../config.ts'
import type { Letter } from './mail.ts'

export type MailConfig = Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir' | 'issuer' | 'production'>

/**
 * @param id makes the Message-ID, so that a letter that comes twice is known for one
 * @throws when it was not taken
 */
export type SendMail = (letter: Letter, id: string, signal: AbortSignal) => Promise<void>

const TIMEOUT_MS = 10_000

/** Undefined: no mail is sent. */
export function createSendMail(config: MailConfig): SendMail | undefined {
  if (config.smtpUrl !== undefined) return bySmtp(config, new URL(config.smtpUrl))
  return config.production ? undefined : toFile(config)
}

function messageOf({ mailFrom, issuer }: MailConfig, { to, subject, text }: Letter, id: string) {
  return {
    from: mailFrom,
    // As an object it is one address, whatever is in it.
    to: { name: '', address: to },
    subject,
    text,
    messageId: `<${id}@${new URL(issuer).hostname}>`,
    // RFC 3834: nobody's absence is to be told to us.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

const isHere = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))

function bySmtp(config: MailConfig, url: URL): SendMail {
  const secure = url.protocol === 'smtps:'
  const user = decodeURIComponent(url.username)
  const transport = {
    // Brackets are for URLs.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && user !== '' && !isHere(url.hostname),
    ...(user !== '' && { auth: { user, pass: decodeURIComponent(url.password) } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
  }
  return async (letter, id, signal) => {
    const mailer = createTransport(transport)
    signal.addEventListener('abort', () => mailer.close(), { once: true })
    await mailer.sendMail(messageOf(config, letter, id))
  }
}

function toFile(config: MailConfig): SendMail {
  const folder = join(config.dataDir, 'outbox')
  const writer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  return async (letter, id) => {
    const { message } = await writer.sendMail(messageOf(config, letter, id))
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // Ids begin with the time: the folder's order is that of the letters.
    await writeFile(join(folder, `${id}.eml`), message as Buffer, { mode: 0o600 })
  }
}
