import { XMLParser } from 'fast-xml-parser'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import type { AttemptSession } from './org-requests.ts'

const parser = new XMLParser({ removeNSPrefix: true, parseTagValue: false, ignoreAttributes: true })
const metadataNamespace = 'http://soap.sforce.com/2006/04/metadata'

/** A call of the Metadata API as an envelope with its session. */
export function envelope({ accessToken }: AttemptSession, body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="${metadataNamespace}">
<soapenv:Header><SessionHeader><sessionId>${xmlText(accessToken)}</sessionId></SessionHeader></soapenv:Header>
<soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`
}

/** An element with text or elements in it. */
export function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`
}

export function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** What an XML text says, with values as texts. @throws when it is not XML */
export function parseXml(text: string): Record<string, unknown> {
  return parser.parse(text, true) as Record<string, unknown>
}

/** What an answer has at a path of element names. @throws {SalesforceFailure} */
export function answerAt(text: string, ...path: readonly string[]): unknown {
  try {
    return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], parseXml(text))
  } catch (cause) {
    throw new SalesforceFailure(
      'Salesforce answered in an unexpected form.',
      { reason: 'UNEXPECTED_ANSWER' },
      { cause },
    )
  }
}
