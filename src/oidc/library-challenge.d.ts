// A file of the library that its types do not describe (lib/helpers/challenge.js).
declare module 'oidc-provider/lib/helpers/challenge.js' {
  export default class ServerChallenge {
    /** @param secret 32 bytes */
    constructor(secret: Buffer, info: string)
    nextChallenge(): string
    checkChallenge(challenge: string): boolean
  }
}
