// An authority of certificates for one test, made by OpenSSL: what verifies them is then not what made them.
import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Somebody who can prove to have the key. Texts are PEM. */
export interface Holder {
  readonly cert: string
  readonly key: string
  /** The certificate, then the intermediate ones above it; never the root. */
  readonly chain: string
  readonly der: Buffer
  /** `x5t#S256` (RFC 8705, section 3.1). */
  readonly thumbprint: string
}

export interface Authority extends Holder {
  issue(wanted?: WantedCertificate): Holder
  /** An authority below this one. */
  intermediate(wanted?: WantedCertificate): Authority
}

/** An alternative name. Any character: NUL and commas too. */
export type AlternativeName =
  | { readonly dns: string }
  | { readonly uri: string }
  | { readonly email: string }
  | { readonly ip: string }

export interface WantedCertificate {
  /** As OpenSSL takes it: `/O=Acme/CN=billing`. */
  readonly subject?: string
  readonly names?: readonly AlternativeName[]
  /** The default is yesterday, and then a month. */
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** What the key may be used for; none: the certificate does not say. */
  readonly usage?: 'clientAuth' | 'serverAuth' | 'none'
  readonly keyType?: KeyType
  /** PEM, of a key that there is; else a new one is made. */
  readonly key?: string
  /** Of the signature on it. */
  readonly digest?: 'sha1' | 'sha256'
  /** More lines of OpenSSL's section of extensions; a later line of a name replaces an earlier one. */
  readonly extensions?: Readonly<Record<string, string>>
}

/** The last two are weak. */
export type KeyType = 'ec' | 'rsa' | 'rsa-pss' | 'ed25519' | 'rsa-1024' | 'secp256k1'

const DAY = 86_400_000

/** An authority that signed itself. */
export function createAuthority(wanted: WantedCertificate = {}): Authority {
  const own = create({ subject: '/CN=Test authority', ...wanted }, AUTHORITY_EXTENSIONS)
  return authorityOf(own, '')
}

/** A certificate that no authority signed. */
export function createSelfSigned(wanted: WantedCertificate = {}): Holder {
  return create(wanted, leafExtensions(wanted))
}

/** For a server that is asked as localhost or 127.0.0.1. */
export const FOR_LOCALHOST: WantedCertificate = {
  subject: '/CN=localhost',
  names: [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
  usage: 'serverAuth',
}

/** @param above the certificates between it and the root, its own included unless it is the root */
function authorityOf(own: Holder, above: string): Authority {
  return {
    ...own,
    issue: (wanted = {}) => create(wanted, leafExtensions(wanted), own, above),
    intermediate(wanted = {}) {
      const below = create({ subject: '/CN=Test intermediate', ...wanted }, AUTHORITY_EXTENSIONS, own, above)
      return authorityOf(below, below.chain)
    },
  }
}

type Extensions = Readonly<Record<string, string>>

const AUTHORITY_EXTENSIONS: Extensions = {
  basicConstraints: 'critical,CA:TRUE',
  keyUsage: 'critical,keyCertSign,cRLSign',
}

function leafExtensions({ usage = 'clientAuth' }: WantedCertificate): Extensions {
  return {
    basicConstraints: 'critical,CA:FALSE',
    keyUsage: 'critical,digitalSignature',
    ...(usage !== 'none' && { extendedKeyUsage: usage }),
  }
}

function create(wanted: WantedCertificate, extensions: Extensions, issuer?: Holder, above = ''): Holder {
  const { subject = '/CN=client', names = [], keyType = 'ec', digest = 'sha256' } = wanted
  const { notBefore = new Date(Date.now() - DAY), notAfter = new Date(Date.now() + 30 * DAY) } = wanted
  const key = wanted.key ?? newKey(keyType)
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-certificate-'))
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
  try {
    write('key.pem', key)
    write('index.txt', '')
    write('index.txt.attr', 'unique_subject = no\n')
    if (issuer) {
      write('issuer.pem', issuer.cert)
      write('issuer-key.pem', issuer.key)
    }
    write('openssl.cnf', configuration(names, { ...extensions, ...wanted.extensions }))
    openssl(
      'req',
      '-new',
      '-utf8',
      '-config',
      'openssl.cnf',
      '-key',
      'key.pem',
      '-subj',
      subject,
      '-out',
      'csr.pem',
    )
    const signer = issuer
      ? ['-cert', 'issuer.pem', '-keyfile', 'issuer-key.pem']
      : ['-selfsign', '-keyfile', 'key.pem']
    const dates = ['-startdate', time(notBefore), '-enddate', time(notAfter), '-md', digest]
    const files = ['-in', 'csr.pem', '-out', 'cert.pem']
    openssl('ca', '-batch', '-notext', '-utf8', '-config', 'openssl.cnf', ...signer, ...dates, ...files)
    const cert = readFileSync(join(directory, 'cert.pem'), 'utf8')
    const der = new X509Certificate(cert).raw
    const thumbprint = createHash('sha256').update(der).digest('base64url')
    return { cert, key, chain: cert + above, der, thumbprint }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function newKey(type: KeyType): string {
  const { privateKey } = newKeyPair(type)
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

function newKeyPair(type: KeyType): { privateKey: KeyObject } {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  if (type === 'rsa-1024') return generateKeyPairSync('rsa', { modulusLength: 1024 })
  if (type === 'rsa-pss') return generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  if (type === 'ed25519') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('ec', { namedCurve: type === 'ec' ? 'P-256' : type })
}

const time = (date: Date) => date.toISOString().replace(/[-:T]/g, '').replace(/\..*/, 'Z')

function configuration(names: readonly AlternativeName[], extensions: Extensions): string {
  const lines = {
    subjectKeyIdentifier: 'hash',
    ...(names.length > 0 && { subjectAltName: `DER:${alternativeNames(names)}` }),
    ...extensions,
  }
  return [
    '[ca]',
    'default_ca = it',
    '[it]',
    'new_certs_dir = .',
    'database = index.txt',
    'rand_serial = yes',
    'preserve = yes',
    'policy = anything',
    'x509_extensions = extensions',
    '[anything]',
    ...['countryName', 'organizationName', 'organizationalUnitName', 'commonName', 'emailAddress'].map(
      name => `${name} = optional`,
    ),
    '[req]',
    'distinguished_name = nothing',
    '[nothing]',
    // For name constraints: `dirName:acme`.
    '[acme]',
    'organizationName = Acme Inc',
    '[extensions]',
    ...Object.entries(lines).map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n')
}

/** RFC 5280, section 4.2.1.6, in hexadecimal: written by hand, so that any bytes can stand in a name. */
function alternativeNames(names: readonly AlternativeName[]): string {
  const der = (tag: number, content: Buffer) => {
    const { length } = content
    const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
    return Buffer.concat([Buffer.from([tag, ...size]), content])
  }
  const all = names.map(name => {
    if ('email' in name) return der(0x81, Buffer.from(name.email))
    if ('dns' in name) return der(0x82, Buffer.from(name.dns))
    if ('uri' in name) return der(0x86, Buffer.from(name.uri))
    return der(0x87, addressBytes(name.ip))
  })
  return der(0x30, Buffer.concat(all)).toString('hex')
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [left = '', right = ''] = address.split('::')
  const groups = (text: string) => text.split(':').filter(group => group !== '')
  const [before, after] = [groups(left), groups(right)]
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return Buffer.from([...before, ...zeros, ...after].map(group => group.padStart(4, '0')).join(''), 'hex')
}
