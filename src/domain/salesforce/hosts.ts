import { type InvalidInput, invalidValue } from '#lib/errors.ts'

/** Domains that Salesforce serves logins and orgs from; pages of its customers are elsewhere. */
const ownHost = /\.(salesforce\.com|cloudforce\.com|salesforce\.mil|crmforce\.mil|sfcrmproducts\.cn)$/
const productionLogin = 'https://login.salesforce.com'
const testLogin = 'https://test.salesforce.com'

/** Which hosts are Salesforce's: only these get credentials. */
export class SalesforceHosts {
  readonly #more: readonly string[]

  /** `more` are further hosts that count as Salesforce's, such as `sfdc.example.com`, or `*.example.com` for all below. */
  constructor(more: readonly string[]) {
    this.#more = more.map((host) => host.toLowerCase())
  }

  /** Where people and programs log in to production orgs unless they name another address. */
  readonly defaultLogin = productionLogin

  has(url: string): boolean {
    const parsed = URL.parse(url)
    if (parsed === null || parsed.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '')
      return false
    return this.#isOwn(parsed) || this.#isAdded(parsed.hostname)
  }

  /** The origin of an address of Salesforce, which may lack its scheme. @throws {InvalidInput} */
  originOf(text: string, path: string): string {
    const url = URL.parse(text.includes('://') ? text : `https://${text}`)
    if (url === null || url.hostname === '' || url.pathname !== '/' || url.search !== '' || url.hash !== '')
      throw refused(path, 'must be the address of a Salesforce host, such as https://acme.my.salesforce.com')
    if (url.protocol !== 'https:') throw refused(path, 'must be an https: address')
    if (!this.has(url.href))
      throw refused(path, `names the host ${url.host}, which is not Salesforce’s; SALESFORCE_HOSTS can allow others`)
    return url.origin
  }

  /** The audience of assertions for the token endpoint of an origin. */
  audienceOf(origin: string): string {
    const url = new URL(origin)
    if (!this.#isOwn(url)) return origin
    return isForTests(url.hostname) ? testLogin : productionLogin
  }

  #isOwn({ hostname, port }: URL): boolean {
    return port === '' && ownHost.test(hostname)
  }

  #isAdded(hostname: string): boolean {
    return this.#more.some((host) => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host))
  }
}

/** Sandboxes and scratch orgs, by their host: enhanced domains, and instances whose name ends in `s`. */
function isForTests(hostname: string): boolean {
  return (
    hostname === 'test.salesforce.com' ||
    /\.(sandbox|scratch)\.my\.salesforce\.(com|mil)$/.test(hostname) ||
    /^cs\d+(\.my)?\.salesforce\.com$/.test(hostname) ||
    /^[a-z]{3}\d+s(\.sfdc-[\w-]+)?(\.my)?\.salesforce\.com$/.test(hostname)
  )
}

function refused(path: string, fault: string): InvalidInput {
  return invalidValue(`\`${path}\``, path, fault)
}
