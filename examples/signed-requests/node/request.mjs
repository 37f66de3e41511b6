// Sends one signed request and prints the answer. Node 18 or newer, nothing to install.
//
//   KEY_ID=… SECRET=… node request.mjs GET https://id.example.com/v1/credentials/self
//   KEY_ID=… PRIVATE_KEY=key.pem node request.mjs POST https://api.example.com/orders '{"order":1}'
//   PROFILE=simple KEY_ID=… SECRET=… node request.mjs GET https://api.example.com/orders
import { createHash, createHmac, createPrivateKey, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** Until then it is taken: five minutes at most. */
const LIFETIME_SECONDS = 60

const sha256 = bytes => createHash('sha256').update(bytes).digest()

/** RFC 9421. `signer` is { keyId, secret } or { keyId, privateKey }. Gives the headers to add. */
export function signMessage(signer, method, address, body) {
  const url = new URL(address)
  const headers = {}
  const components = {
    '@method': method,
    '@authority': url.host,
    '@path': url.pathname,
    '@query': url.search || '?',
  }
  if (body) {
    headers['Content-Digest'] = `sha-256=:${sha256(body).toString('base64')}:`
    components['content-digest'] = headers['Content-Digest']
  }
  const created = Math.floor(Date.now() / 1000)
  const names = Object.keys(components).map(name => `"${name}"`)
  const input =
    `(${names.join(' ')});created=${created};expires=${created + LIFETIME_SECONDS}` +
    `;nonce="${randomUUID()}";keyid="${signer.keyId}"`
  const lines = Object.entries(components).map(([name, value]) => `"${name}": ${value}`)
  const base = [...lines, `"@signature-params": ${input}`].join('\n')
  const signature = signer.secret
    ? createHmac('sha256', signer.secret).update(base).digest()
    : sign(null, Buffer.from(base), signer.privateKey)
  headers['Signature-Input'] = `sig=${input}`
  headers.Signature = `sig=:${signature.toString('base64')}:`
  return headers
}

/** The simple profile. Gives the headers to add. */
export function signSimply({ keyId, secret }, method, address, body = '') {
  const url = new URL(address)
  const timestamp = String(Math.floor(Date.now() / 1000))
  const nonce = randomUUID()
  const hash = sha256(body).toString('hex')
  const text = ['v1', method, url.host, url.pathname + url.search, timestamp, nonce, hash].join('\n')
  return {
    'X-API-Key': keyId,
    'X-Timestamp': timestamp,
    'X-Nonce': nonce,
    'X-Content-SHA256': hash,
    'X-Signature': createHmac('sha256', secret).update(text).digest('hex'),
  }
}

const { KEY_ID: keyId, SECRET: secret, PRIVATE_KEY: keyFile, PROFILE: profile } = process.env
const [method, address, body] = process.argv.slice(2)
const privateKey = keyFile && createPrivateKey(readFileSync(keyFile))
const signer = { keyId, secret, privateKey }
const headers =
  profile === 'simple'
    ? signSimply(signer, method, address, body)
    : signMessage(signer, method, address, body)
if (body) headers['Content-Type'] = 'application/json'
const answer = await fetch(address, { method, headers, body })
process.stdout.write(`${answer.status}\n${await answer.text()}\n`)
