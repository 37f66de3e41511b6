/**
 * Addresses of a name that somebody else may have chosen (outbound.ts). The system's own look-up holds a thread of the
 * pool that also hashes passwords, for as long as a name's server likes to be silent; so names are asked of DNS by
 * sockets first, and the system is asked only for what DNS does not know, for few names at once.
 */
import { lookup, Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

/** @throws Error when there is none, or not in time */
export type ResolveName = (name: string, signal: AbortSignal) => Promise<readonly string[]>

const HOSTS_FILE = '/etc/hosts'
const DNS = { timeout: 1_000, tries: 2 }
/** Of the four threads that there are. */
const SYSTEM_LOOKUPS = 2

let systemLookups = 0

/** The order is the usual one: the hosts file, DNS, then what the system knows beside (search domains, mDNS). */
export const resolveName: ResolveName = async (name, signal) => {
  const written = await fromHostsFile(name.replace(/\.$/, ''))
  return written.length > 0 ? written : ((await fromDns(name, signal)) ?? (await fromSystem(name)))
}

async function fromHostsFile(name: string): Promise<string[]> {
  const text = await readFile(HOSTS_FILE, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split('\n').flatMap(line => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    return isIP(address) > 0 && names.some(one => one.toLowerCase() === name) ? [address] : []
  })
}

/** undefined: DNS has no such name, or there is no DNS. */
async function fromDns(name: string, signal: AbortSignal): Promise<string[] | undefined> {
  const resolver = new Resolver(DNS)
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  signal.removeEventListener('abort', cancel)
  const addresses = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length > 0) return addresses
  for (const answer of answers)
    if (answer.status === 'rejected' && isSilence(answer.reason)) throw answer.reason
  return undefined
}

/** Not for the system to ask again. */
const isSilence = ({ code }: NodeJS.ErrnoException) => code === 'ETIMEOUT' || code === 'ECANCELLED'

async function fromSystem(name: string): Promise<string[]> {
  if (systemLookups >= SYSTEM_LOOKUPS) throw new Error('too many names are being looked up')
  systemLookups += 1
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address)
  } finally {
    systemLookups -= 1
  }
}
