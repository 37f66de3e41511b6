/**
 * TLS as it is in use: at the start the files that config.ts has looked at, later whatever is put in their place. What
 * cannot be used changes nothing and is logged. The files are read again and again: notifications of the system do not tell
 * of files behind links that are exchanged, as secrets of orchestrators are.
 */
import type { Logger } from '../log.ts'
import { certificatesOf, readTlsFiles, type TlsFiles, type TlsTexts } from './tls-files.ts'

export interface Tls {
  current(): TlsTexts
  /** The authorities that clients' certificates may come from by the operator's word, in PEM. */
  clientAuthorities(): readonly string[]
  /** @param listener is called after each change */
  subscribe(listener: () => void): void
  stop(): void
}

const INTERVAL = 2_000

/** @throws Error with every problem of the files */
export function createTls(files: TlsFiles, log: Logger): Tls {
  const { problems, ...first } = readTlsFiles(files)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const listeners: (() => void)[] = []
  let current: TlsTexts = first
  let authorities = certificatesOf(first.clientCa)
  let seen = JSON.stringify({ problems, ...first })

  const look = () => {
    const { problems, ...next } = readTlsFiles(files)
    const sight = JSON.stringify({ problems, ...next })
    if (sight === seen) return
    seen = sight
    if (problems.length > 0) {
      log.error({ problems }, 'files of TLS have changed and cannot be used: the old ones stay')
      return
    }
    current = next
    authorities = certificatesOf(next.clientCa)
    log.info('files of TLS have changed and are in use')
    for (const listener of listeners) listener()
  }
  const { tlsCert, tlsKey, tlsClientCa } = files
  const isNamed = (tlsCert ?? tlsKey ?? tlsClientCa) !== undefined
  const timer = isNamed ? setInterval(look, INTERVAL) : undefined
  timer?.unref()
  return {
    current: () => current,
    clientAuthorities: () => authorities,
    subscribe: listener => void listeners.push(listener),
    stop: () => clearInterval(timer),
  }
}
